import { checkText } from './field-checks.ts';
import { isIpAddress, truncateIpAddress } from './ip-address.ts';
import { keepExtra, type Draft } from './draft.ts';
import { escapeJson, utf8Length } from './json-text.ts';
import type { PrepareContext, UserAgentFacts } from './prepared.ts';
import { at, slotList, slotOf } from './record-slots.ts';
import { timestampText } from './timestamp.ts';

const sourceIdSlot = slotOf('source_id');

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

function textOf(index: number, text: string | null): string | undefined {
  return text === null ? undefined : escapeJson(clip(text, slotList[index]?.maxBytes ?? Infinity), null);
}

interface FactTexts {
  readonly deviceType: string | undefined;
  readonly browser: string | undefined;
  readonly os: string | undefined;
}

/** Enrichment gives the same few objects again and again, event after event. */
const textsByFacts = new WeakMap<UserAgentFacts, FactTexts>();

function textsOfFacts(facts: UserAgentFacts): FactTexts {
  const known = textsByFacts.get(facts);
  if (known !== undefined) return known;
  const texts = {
    deviceType: textOf(at.deviceType, facts.deviceType),
    browser: textOf(at.browser, facts.browser),
    os: textOf(at.os, facts.os),
  };
  textsByFacts.set(facts, texts);
  return texts;
}

/** The user agent, and what it says where the client did not. */
export function stampUserAgent(texts: (string | undefined)[], own: unknown, context: PrepareContext): void {
  const userAgent = typeof own === 'string' ? own : context.userAgent;
  texts[at.isBot] = 'false';
  if (userAgent === null) return;
  texts[at.userAgent] ??= textOf(at.userAgent, userAgent);
  const facts = context.enrich(userAgent);
  const { deviceType, browser, os } = textsOfFacts(facts);
  texts[at.deviceType] ??= deviceType;
  texts[at.browser] ??= browser;
  texts[at.os] ??= os;
  if (facts.isBot) texts[at.isBot] = 'true';
}

/** What every event of a request gets alike. */
export interface RequestTexts {
  readonly receivedAt: string;
  readonly sourceId: string | undefined;
  /** The sender's address, where no other counts; undefined when it is none. */
  readonly ipAddress: string | undefined;
}

let latest: { readonly context: PrepareContext; readonly texts: RequestTexts } | undefined;

/**
 * The events of a request come one after the other with one context: what it says is made to text once.
 * @throws RejectedError when the source's id is not one
 */
export function textsOfRequest(context: PrepareContext): RequestTexts {
  if (latest?.context === context) return latest.texts;
  const address = context.clientIp === null ? null : keptAddress(context.clientIp, context);
  const texts = {
    receivedAt: timestampText(context.receivedAt),
    sourceId: context.sourceId === null ? undefined : checkText(sourceIdSlot, context.sourceId),
    ipAddress: textOf(at.ipAddress, address),
  };
  latest = { context, texts };
  return texts;
}

/** As much of an address as is kept; null when it is no address. */
function keptAddress(address: string, { truncateIp }: PrepareContext): string | null {
  if (truncateIp) return truncateIpAddress(address);
  return isIpAddress(address) ? address : null;
}

/**
 * S1.4: whose address counts, and how much of it. One that doesn't count, or is no address, is kept under
 * `$client.ip_address`; with truncation on only ever as a truncated address.
 */
export function stampIpAddress(draft: Draft, own: unknown, context: PrepareContext): void {
  draft.texts[at.ipAddress] = textsOfRequest(context).ipAddress;
  if (typeof own !== 'string') return;
  const address = keptAddress(own, context);
  if (context.trustBodyIp && address !== null) {
    draft.texts[at.ipAddress] = escapeJson(address, 'ip_address');
  } else {
    const kept = context.truncateIp ? address : own;
    if (kept !== null) keepExtra(draft, '$client.ip_address', kept);
  }
}
