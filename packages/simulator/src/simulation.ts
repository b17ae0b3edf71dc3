import { createCrowd } from './crowd.ts';
import { drawMalformed } from './malformed.ts';
import { createRandom, seedWords } from './random.ts';
import { backFillClock, scheduledClock, type SimulationClock } from './rhythm.ts';
import { createSentEvents } from './sent-events.ts';
import type { SimulatedRecord } from './simulated-record.ts';
import {
  completeSettings,
  runIdentity,
  type CompleteSettings,
  type SimulationSettings,
  type SimulationTime,
} from './simulation-settings.ts';
import type { SimulatedEvent } from './simulated-event.ts';

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
      yield {
        bytes: text,
        kind: 'malformed',
        expected: 'dead_letters',
        ...malformed,
        event: null,
        emitAt: instant,
      };
      continue;
    }
    const event = crowd.nextEvent(instant);
    sent.add({ ...event, sentAt: instant });
    yield recordOf(event, 'event', instant);
  }
}

function recordOf(event: SimulatedEvent, kind: 'event' | 'duplicate', emitAt: number): SimulatedRecord {
  const { text: bytes, facts } = event;
  const record = { bytes, eventId: facts.eventId, event: facts, emitAt };
  return kind === 'event'
    ? { ...record, kind, expected: 'silver' }
    : { ...record, kind, expected: 'duplicates' };
}

function clockOf(time: SimulationTime): SimulationClock {
  if (time.mode === 'back-fill') return backFillClock(time);
  return time.now ?? scheduledClock(time.startAt, time.eventsPerSecond);
}
