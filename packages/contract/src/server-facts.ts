import { isIpAddress, truncateIpAddress } from './ip-address.ts';
import { keepExtra, type Draft } from './draft.ts';
import { quoteJson, utf8Length } from './json-text.ts';
import type { PrepareContext } from './prepared.ts';
import { at, slotList } from './record-slots.ts';

/** The longest start of a text of the server's own finding that the field can hold. */
function clip(text: string, maxBytes: number): string {
  const wellFormed = text.toWellFormed();
  if (wellFormed.length * 3 <= maxBytes || utf8Length(wellFormed) <= maxBytes) return wellFormed;
  let bytes = 0;
  let clipped = '';
  for (const character of wellFormed) {
    bytes += utf8Length(character);
    if (bytes > maxBytes) break;
    clipped += character;
  }
  return clipped;
}

function fill(texts: (string | undefined)[], index: number, text: string | null): void {
  if (text === null || texts[index] !== undefined) return;
  texts[index] = quoteJson(clip(text, slotList[index]?.maxBytes ?? Infinity), null);
}

/** The user agent, and what it says where the client did not. */
export function stampUserAgent(texts: (string | undefined)[], own: unknown, context: PrepareContext): void {
  const userAgent = typeof own === 'string' ? own : context.userAgent;
  let isBot = false;
  if (userAgent !== null) {
    fill(texts, at.userAgent, userAgent);
    const facts = context.enrich(userAgent);
    fill(texts, at.deviceType, facts.deviceType);
    fill(texts, at.browser, facts.browser);
    fill(texts, at.os, facts.os);
    isBot = facts.isBot;
  }
  texts[at.isBot] = isBot ? 'true' : 'false';
}

/**
 * S1.4: whose address counts, and how much of it. One that doesn't count, or is no address, is kept under
 * `$client.ip_address`; with truncation on only ever as a truncated address.
 */
export function stampIpAddress(draft: Draft, own: unknown, context: PrepareContext): void {
  const trimmed = (address: string): string | null =>
    context.truncateIp ? truncateIpAddress(address) : isIpAddress(address) ? address : null;
  const claimed = typeof own === 'string' ? own : null;
  const claimedAddress = claimed === null ? null : trimmed(claimed);
  const counts = context.trustBodyIp && claimedAddress !== null;
  if (claimed !== null && !counts) {
    const kept = context.truncateIp ? claimedAddress : claimed;
    if (kept !== null) keepExtra(draft, '$client.ip_address', kept);
  }
  const address = counts ? claimedAddress : context.clientIp === null ? null : trimmed(context.clientIp);
  draft.texts[at.ipAddress] = address === null ? undefined : quoteJson(address, 'ip_address');
}
