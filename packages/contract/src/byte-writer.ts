/** Bytes written one after another into a buffer that grows. */
export interface ByteWriter {
  bytes: Buffer;
  used: number;
}

export function byteWriter(capacity: number): ByteWriter {
  return { bytes: Buffer.allocUnsafeSlow(capacity), used: 0 };
}

/** Sees to it that there is room for so many more bytes. */
export function reserve(writer: ByteWriter, more: number): void {
  const needed = writer.used + more;
  if (needed <= writer.bytes.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(needed, writer.bytes.length * 2));
  writer.bytes.copy(grown, 0, 0, writer.used);
  writer.bytes = grown;
}

/** Below this many bytes a loop is faster than a call into native code. */
const nativeFrom = 40;

export function writeBytes(writer: ByteWriter, from: Uint8Array, start: number, end: number): void {
  reserve(writer, end - start);
  const { bytes, used } = writer;
  if (end - start >= nativeFrom) bytes.set(from.subarray(start, end), used);
  else for (let at = start; at < end; at += 1) bytes[used + at - start] = from[at] ?? 0;
  writer.used += end - start;
}

/**
 * Writes again what was written before: bytes `start` to `end` of the writer's own. However many they are, this
 * costs less than a short loop, and no object, which bytes of another buffer do.
 */
export function writeOwnBytes(writer: ByteWriter, start: number, end: number): void {
  reserve(writer, end - start);
  writer.bytes.copyWithin(writer.used, start, end);
  writer.used += end - start;
}

/** Writes a text as UTF-8. */
export function writeText(writer: ByteWriter, text: string): void {
  reserve(writer, text.length * 3);
  const { bytes, used } = writer;
  let at = 0;
  if (text.length < nativeFrom) {
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code >= 0x80) break;
      bytes[used + at] = code;
    }
  }
  writer.used += at === text.length ? at : bytes.write(text, used, 'utf8');
}

export function writeByte(writer: ByteWriter, byte: number): void {
  reserve(writer, 1);
  writer.bytes[writer.used] = byte;
  writer.used += 1;
}
