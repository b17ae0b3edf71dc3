import type { SimulatedEvent } from './simulated-event.ts';

/** Somebody on the site: a source of events in time order. */
export interface Visit {
  readonly isBot: boolean;
  /** How long each of its events waits on its device before it is sent, ms. */
  readonly lateBy: number;
  /**
   * The event that is due.
   * @param sentAt the client's clock when sending, ms, to be stated in the event; null to leave it out.
   */
  readonly next: (sentAt: number | null) => VisitEvent;
}

export interface VisitEvent {
  readonly event: SimulatedEvent;
  /** When the next one is due, whole ms since the epoch; null when this was the last. */
  readonly nextDueAt: number | null;
}
