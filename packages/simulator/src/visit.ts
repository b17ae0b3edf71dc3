import type { SimulatedEvent } from './simulated-event.ts';

/** Somebody on the site: a source of events in time order. */
export interface Visit {
  /** When the next event is due, whole ms since the epoch; Infinity when the visit is over. */
  readonly dueAt: number;
  /** A bot's visit, or one whose events reach us late, counts towards its own rate. */
  readonly isBot: boolean;
  readonly lateBy: number;
  /**
   * The event due; moves on to the next.
   * @param sentAt the client's clock when sending, ms, to be stated in the event; null to leave it out.
   */
  readonly next: (sentAt: number | null) => SimulatedEvent;
}
