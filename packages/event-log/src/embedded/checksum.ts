import { crc32 } from 'node:zlib';

const table = new Int32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  table[byte] = value;
}

/** Below this many bytes the call into native code costs more than the loop. */
const nativeFrom = 64;

/** CRC-32 (as zlib's) of `bytes[start, end)`, going on from `seed`. */
export function checksum(bytes: Buffer, start: number, end: number, seed = 0): number {
  if (end - start >= nativeFrom) return crc32(bytes.subarray(start, end), seed);
  let value = ~seed;
  for (let at = start; at < end; at += 1)
    value = (value >>> 8) ^ (table[(value ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ~value >>> 0;
}
