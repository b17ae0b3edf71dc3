import { isIPv4, isIPv6 } from 'node:net';

/** A plain IPv4 or IPv6 address: no port, no zone, no list. */
export function isIpAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes('%'));
}

/**
 * The address without what identifies a household (S1.4): IPv4 with a zero last octet, IPv6 as its /48; an
 * IPv4 address written as IPv6 (`::ffff:192.0.2.7`) as that IPv4 address. Null when it is no address.
 */
export function truncateIpAddress(address: string): string | null {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0`;
  if (!isIPv6(address) || address.includes('%')) return null;
  const groups = expandIPv6(address);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const high = groups[6] ?? 0;
    const low = groups[7] ?? 0;
    return `${high >> 8}.${high & 0xff}.${low >> 8}.0`;
  }
  // The URL parser writes the RFC 5952 form.
  const prefix = groups
    .slice(0, 3)
    .map((group) => group.toString(16))
    .join(':');
  return new URL(`http://[${prefix}::]`).hostname.slice(1, -1);
}

/** The eight 16-bit groups of a valid IPv6 address. */
function expandIPv6(address: string): number[] {
  const hexadecimal = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((group) => group.toString(16)).join(':'),
  );
  const [head = '', tail] = hexadecimal.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  const first = parse(head);
  if (tail === undefined) return first;
  const last = parse(tail);
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}
