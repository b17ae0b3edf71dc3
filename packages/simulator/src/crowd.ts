import { createAudience } from './audience.ts';
import { startBotVisit } from './bot-visit.ts';
import { seedWords, type Random } from './random.ts';
import { day } from './rhythm.ts';
import { startShopperVisit } from './shopper-visit.ts';
import { runIdentity, type CompleteSettings } from './simulation-settings.ts';
import type { SimulatedEvent } from './simulated-event.ts';
import { createVisitQueue } from './visit-queue.ts';
import type { Visit } from './visit.ts';

/** Everybody on the site at once. */
export interface Crowd {
  /** The event to be sent at `instant`: its own time is then, or somewhat earlier. */
  nextEvent(instant: number): SimulatedEvent;
}

const longestLatencyMs = 400;
const medianLateness = 7 * 3_600_000;
const shortestLateness = 3_600_000;
const longestLateness = 5 * day;

export function createCrowd(settings: CompleteSettings, random: Random): Crowd {
  const { time, lateRate, botRate, extraFieldRate } = settings;
  const audience = createAudience({
    population: seedWords('population', settings.seed),
    run: seedWords('guests', settings.seed, runIdentity(time)),
    members: settings.members,
  });
  const earliest = time.mode === 'back-fill' ? time.endAt - time.days * day : -Infinity;
  const visits = createVisitQueue();
  let [events, botEvents, lateEvents] = [0, 0, 0];
  let lastDueAt = Math.ceil(earliest);

  // Both rates are held by feedback: whenever a share has fallen behind, the next visit is of that sort. By
  // chance alone, a few long visits would throw a short run's rates far off.
  const drawLateness = (startAt: number): number => {
    if (lateEvents >= lateRate * events) return 0;
    const longest = Math.min(longestLateness, startAt - earliest);
    if (longest < shortestLateness) return 0;
    return Math.floor(Math.min(longest, shortestLateness + random.logNormal(medianLateness, 1.1)));
  };

  const startVisit = (startAt: number): Visit => {
    if (botEvents < botRate * events) return startBotVisit({ random, startAt });
    return startShopperVisit({
      random,
      arrival: audience.arrival(startAt),
      startAt,
      lateBy: drawLateness(startAt),
      extraFieldRate,
    });
  };

  return {
    nextEvent(instant) {
      let visit = visits.first();
      if (visit === null || visits.firstDueAt() > instant) {
        // The event happened a moment before it is sent, and not before the one sent last.
        const startAt = Math.max(lastDueAt, instant - random.integer(longestLatencyMs));
        visit = startVisit(startAt);
        visits.add(visit, startAt);
      }
      lastDueAt = visits.firstDueAt();
      const { event, nextDueAt } = visit.next(settings.sentAt ? instant : null);
      visits.reschedule(nextDueAt);
      events += 1;
      if (visit.isBot) botEvents += 1;
      if (visit.lateBy > 0) lateEvents += 1;
      return event;
    },
  };
}
