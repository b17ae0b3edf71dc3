import { truncateIpAddress } from '@clicklake/contract';

/** Runs of the characters that addresses are made of, each as itself or as JSON's `\u` escape of it. */
const addressCharacters = /(?:[0-9A-Fa-f:.]|\\u00(?:2[eE]|3[0-9aA]|[46][1-6])){3,}/g;
const escape = /\\u00(..)/g;
const dottedQuad = /(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)/g;
const longestAddress = 45;

/**
 * Truncates every IP address in the raw bytes of a dead letter, wherever it stands (S1.4): a rejected event may
 * hold one in any field, or not be JSON at all. Text that merely looks like an address is cut too, which is the
 * safe side. All other bytes stay as received.
 */
export function redactIpAddresses(bytes: Uint8Array): Uint8Array {
  // Latin-1 maps each byte to one character and back, whatever the bytes are; addresses are ASCII.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const redacted = text.replace(addressCharacters, redactRun);
  return redacted === text ? bytes : Buffer.from(redacted, 'latin1');
}

function redactRun(found: string): string {
  const run = found.replace(escape, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const redacted = redactIPv6(run) ?? run.replace(dottedQuad, (quad) => truncateIpAddress(quad) ?? quad);
  return redacted === run ? found : redacted;
}

/** Undefined when the run is no IPv6 address, with or without the punctuation of the text around it. */
function redactIPv6(run: string): string | undefined {
  if (run.length > longestAddress + 2 || !/:.*:/.test(run)) return undefined;
  const [, before = '', trimmed = '', after = ''] = /^([:.]?)(.*?)([:.]?)$/.exec(run) ?? [];
  const attempts: readonly (readonly [string, string, string])[] = [
    ['', run, ''],
    ['', before + trimmed, after],
    [before, trimmed + after, ''],
    [before, trimmed, after],
  ];
  for (const [head, address, tail] of attempts) {
    const truncated = truncateIpAddress(address);
    if (truncated !== null && address.includes(':')) return head + truncated + tail;
  }
  return undefined;
}
