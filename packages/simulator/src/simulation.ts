import { createAudience } from './audience.ts';
import { startBotVisit } from './bot-visit.ts';
import { drawMalformed } from './malformed.ts';
import { createRandom, seedWords, type Random } from './random.ts';
import { backFillClock, day, scheduledClock, type SimulationClock } from './rhythm.ts';
import { createSentEvents } from './sent-events.ts';
import { startShopperVisit } from './shopper-visit.ts';
import type { SimulatedRecord } from './simulated-record.ts';
import {
  completeSettings,
  type CompleteSettings,
  type SimulationSettings,
  type SimulationTime,
} from './simulation-settings.ts';
import type { SimulatedEvent } from './simulated-event.ts';
import { createVisitQueue } from './visit-queue.ts';
import type { Visit } from './visit.ts';

/**
 * Makes shoppers and their events, one record at a time: pure, without I/O, and repeatable (see
 * {@link SimulationSettings}). Live it never ends; a back-fill ends after its number of records.
 *
 * At each tick of its clock one record is sent: the event that is due longest, or, when none is due, the first
 * of a new session. So the rate is exact, whatever shoppers do, and they start sessions as fast as it needs.
 * @throws SimulatorError `simulator-setting-invalid`.
 */
export function createSimulation(given: SimulationSettings): IterableIterator<SimulatedRecord> {
  return simulate(completeSettings(given));
}

function* simulate(settings: CompleteSettings): IterableIterator<SimulatedRecord> {
  const { duplicateRate, malformedRate } = settings;
  const run = seedWords('run', settings.seed, runIdentity(settings.time));
  const random = createRandom(run);
  const clock = clockOf(settings.time);
  const crowd = createCrowd(settings, random);
  const sent = createSentEvents(createRandom(seedWords('sent events', ...run)));
  const end = settings.time.mode === 'back-fill' ? settings.time.events : Infinity;

  let instant = -Infinity;
  for (let index = 0; index < end; index += 1) {
    // A real clock may be set back; a simulation's time does not.
    instant = Math.max(instant, Math.floor(clock(index)));
    const draw = random.fraction();
    if (draw < duplicateRate) {
      const repeated = sent.drawRepeated(random, instant);
      if (repeated !== null) {
        yield recordOf(repeated, 'duplicate', instant);
        continue;
      }
    }
    const latest = sent.latest();
    if (draw >= 1 - malformedRate && latest !== null) {
      const { text, ...malformed } = drawMalformed(random, latest.text, instant);
      yield { bytes: text, kind: 'malformed', expected: 'dead_letters', ...malformed, event: null, emitAt: instant };
      continue;
    }
    const event = crowd.nextEvent(instant);
    sent.add({ ...event, sentAt: instant });
    yield recordOf(event, 'event', instant);
  }
}

function recordOf(event: SimulatedEvent, kind: 'event' | 'duplicate', emitAt: number): SimulatedRecord {
  return {
    bytes: event.text,
    kind,
    expected: kind === 'event' ? 'silver' : 'duplicates',
    eventId: event.facts.eventId,
    event: event.facts,
    emitAt,
  };
}

/**
 * What tells apart two runs with one seed: their events must not be taken for each other's duplicates, so ids
 * depend on when a run starts.
 */
function runIdentity(time: SimulationTime): string {
  return time.mode === 'live'
    ? `live ${time.startAt} ${time.eventsPerSecond}`
    : `back-fill ${time.endAt} ${time.days} ${time.events}`;
}

function clockOf(time: SimulationTime): SimulationClock {
  if (time.mode === 'back-fill') return backFillClock(time);
  return time.now ?? scheduledClock(time.startAt, time.eventsPerSecond);
}

/** Everybody on the site at once. */
interface Crowd {
  /** The event to be sent at `instant`: its own time is then, or somewhat earlier. */
  nextEvent(instant: number): SimulatedEvent;
}

const longestLatencyMs = 400;
const medianLateness = 7 * 3_600_000;
const shortestLateness = 3_600_000;
const longestLateness = 5 * day;

function createCrowd(settings: CompleteSettings, random: Random): Crowd {
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

  const startVisit = (instant: number): Visit => {
    // The event happened a moment before it is sent, and after the one before it.
    const startAt = Math.max(lastDueAt, instant - random.integer(longestLatencyMs));
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
      if (visit === null || visit.dueAt > instant) {
        const started = startVisit(instant);
        visits.add(started);
        visit = visits.first() ?? started;
      }
      lastDueAt = visit.dueAt;
      const event = visit.next(settings.sentAt ? instant : null);
      visits.reorderFirst();
      events += 1;
      if (visit.isBot) botEvents += 1;
      if (visit.lateBy > 0) lateEvents += 1;
      return event;
    },
  };
}
