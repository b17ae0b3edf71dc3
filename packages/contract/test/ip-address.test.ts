import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isIpAddress, truncateIpAddress } from '@clicklake/contract';

describe('truncateIpAddress (S1.4)', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0'],
    ['10.0.0.0', '10.0.0.0'],
    ['2001:db8:85a3:8d3:1319:8a2e:370:7348', '2001:db8:85a3::'],
    ['2001:DB8::1', '2001:db8::'],
    ['::1', '::'],
    ['fe80::1', 'fe80::'],
    ['1:2:3:4:5:6:7::', '1:2:3::'],
    ['::2:3:4:5:6:7:8', '0:2:3::'],
    ['::ffff:203.0.113.77', '203.0.113.0'],
    ['::ffff:cb00:714d', '203.0.113.0'],
    ['64:ff9b::203.0.113.77', '64:ff9b::'],
  ])('makes %s %s', (address, truncated) => {
    expect(truncateIpAddress(address)).toBe(truncated);
  });

  it.each([
    '',
    'localhost',
    '203.0.113.77:80',
    '203.0.113.7, 10.0.0.1',
    '[::1]',
    'fe80::1%eth0',
    '1.2.3',
    '01.2.3.4',
  ])('knows that %j is no address', (text) => {
    expect(isIpAddress(text)).toBe(false);
    expect(truncateIpAddress(text)).toBeNull();
  });

  it('gives an address again, and truncating that changes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const truncated = truncateIpAddress(address);
        expect(truncated).not.toBeNull();
        expect(isIpAddress(truncated ?? '')).toBe(true);
        expect(truncateIpAddress(truncated ?? '')).toBe(truncated);
      }),
    );
  });
});
