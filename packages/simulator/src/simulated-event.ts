/** What an event says that Silver's and Gold's numbers depend on: kept in the truth file. */
export interface EventFacts {
  readonly eventId: string;
  readonly eventType: EventType;
  /** Of a `custom` event. */
  readonly eventName: string | null;
  readonly userId: string | null;
  readonly anonymousId: string;
  readonly sessionId: string;
  readonly productId: string | null;
  /** Milliseconds since the epoch, as sent. */
  readonly timestamp: number;
  /** Seconds. */
  readonly timeOnPage: number;
  readonly isBot: boolean;
  /** How long the event had been waiting on its device when it was sent, ms; 0 for nearly all. */
  readonly lateBy: number;
}

/** The original's five, and named events. */
export type EventType = 'page_view' | 'product_view' | 'add_to_cart' | 'checkout' | 'purchase' | 'custom';

export interface SimulatedEvent {
  readonly facts: EventFacts;
  /** The event as one line of JSON. */
  readonly text: string;
}

/** The parts of the text that no number depends on. */
export interface EventDetails {
  readonly pageUrl: string;
  readonly referrer: string | null;
  readonly ipAddress: string;
  readonly country: string;
  /** JSON members of the device, as `Device.fields`. */
  readonly deviceFields: string;
  /** Percent. */
  readonly scrollDepth: number;
  readonly click: { readonly x: number; readonly y: number } | null;
  /** JSON text of an object, or null. */
  readonly properties: string | null;
  /** Further members, each with a leading comma: fields the contract doesn't know. */
  readonly extraFields: string;
  /** The client's clock when sending, ms; null in parity data (S9). */
  readonly sentAt: number | null;
}

/** JSON text of a string that is known to need no escape: an id, a path, a name of ours. */
const quoted = (plain: string | null): string => (plain === null ? 'null' : `"${plain}"`);

/**
 * Writes the event by a template: `JSON.stringify` of the whole object costs several times as much, and every
 * value but the visitor's words (already JSON text in `properties`) is plain ASCII of our own making.
 */
export function writeEvent(facts: EventFacts, details: EventDetails): SimulatedEvent {
  const { click } = details;
  const text =
    `{"event_id":"${facts.eventId}","user_id":${quoted(facts.userId)},"anonymous_id":"${facts.anonymousId}",` +
    `"session_id":"${facts.sessionId}","event_type":"${facts.eventType}"` +
    (facts.eventName === null ? '' : `,"event_name":"${facts.eventName}"`) +
    (facts.productId === null ? '' : `,"product_id":"${facts.productId}"`) +
    `,"timestamp":"${isoTimestamp(facts.timestamp)}",` +
    `"page_url":"${details.pageUrl}",${details.deviceFields},"ip_address":"${details.ipAddress}",` +
    `"country":"${details.country}","referrer":${quoted(details.referrer)},` +
    `"time_on_page":${facts.timeOnPage},"scroll_depth":${details.scrollDepth}` +
    (click === null ? '' : `,"click_coordinates":{"x":${click.x},"y":${click.y}}`) +
    (details.properties === null ? '' : `,"properties":${details.properties}`) +
    (details.sentAt === null ? '' : `,"sent_at":"${isoTimestamp(details.sentAt)}"`) +
    `${details.extraFields}}`;
  return { facts, text };
}

export function isoTimestamp(instant: number): string {
  return new Date(instant).toISOString();
}
