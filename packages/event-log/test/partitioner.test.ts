import { partitionFor } from '@clicklake/event-log';
import { describe, expect, it } from 'vitest';
import { murmur2 } from '../src/partitioner.ts';

describe("Kafka's murmur2 (S1.2)", () => {
  // From Kafka's UtilsTest.testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %j', (key, hash) => {
    const bytes = Buffer.from(`-${key}`);
    expect(murmur2(bytes, 1, bytes.length - 1)).toBe(hash);
    expect(partitionFor(key, 3)).toBe((hash & 0x7fffffff) % 3);
  });

  it('hashes the UTF-8 bytes', () => {
    expect(partitionFor('é', 1000)).toBe((murmur2(Buffer.from([0xc3, 0xa9]), 0, 2) & 0x7fffffff) % 1000);
  });
});
