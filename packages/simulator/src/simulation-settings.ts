import { SimulatorError } from './simulator-error.ts';

/** When the events happen. */
export type SimulationTime =
  | {
      /** Now: endless. Record k is sent at `startAt` + k / `eventsPerSecond`. */
      readonly mode: 'live';
      /** Milliseconds since the epoch. */
      readonly startAt: number;
      readonly eventsPerSecond: number;
      /**
       * A real clock (ms since the epoch) to follow instead of that schedule, for a run that goes on for days on
       * a laptop that sleeps. The run is then as repeatable as the clock is.
       */
      readonly now?: () => number;
    }
  | {
      /** The past: `events` records spread over the `days` before `endAt`, by daily and weekly rhythm. */
      readonly mode: 'back-fill';
      /** Milliseconds since the epoch. */
      readonly endAt: number;
      readonly days: number;
      readonly events: number;
    };

/** What may be chosen. Two simulations with equal settings (and no `now`) make the same bytes. */
export interface SimulationSettings {
  /** Any text or number. It names the population too: the same members return in every run with this seed. */
  readonly seed: string | number;
  readonly time: SimulationTime;
  /** Account holders. Default: as many as keep the shop busy at the given rate. */
  readonly members?: number;
  /** Share of records that are an earlier event's bytes again. Default 0.01. */
  readonly duplicateRate?: number;
  /** Share of records that no contract takes. Default 0.005. */
  readonly malformedRate?: number;
  /** Share of events that are hours or days old when they are sent. Default 0.01. */
  readonly lateRate?: number;
  /** Share of events by crawlers. Default 0.03. */
  readonly botRate?: number;
  /** Share of shoppers' events with a field that the contract does not know. Default 0.02. */
  readonly extraFieldRate?: number;
  /** Whether events state when they were sent. Default false: parity data must not (S9). */
  readonly sentAt?: boolean;
}

export type CompleteSettings = Required<SimulationSettings>;

const day = 86_400_000;
/** Events of a back-fill, late ones included, must stay younger than the contract's 400 days (S2.3). */
const maxBackFillDays = 390;

/** A member comes back every other day or so, for some six events. */
const membersPerEventPerSecond = 16_000;
const fewestMembers = 100;
/** 8 bytes each; past this, people return more often instead. */
const mostMembers = 2_000_000;

/** @throws SimulatorError `simulator-setting-invalid`. */
export function completeSettings(given: SimulationSettings): CompleteSettings {
  const { time } = given;
  if (time.mode === 'live') {
    requireInstant('time.startAt', time.startAt);
    require('time.eventsPerSecond', time.eventsPerSecond, time.eventsPerSecond > 0, 'must be above 0');
  } else {
    requireInstant('time.endAt', time.endAt);
    const daysFit = time.days > 0 && time.days <= maxBackFillDays;
    require('time.days', time.days, daysFit, `must be above 0 and at most ${maxBackFillDays}`);
    require('time.events', time.events, Number.isSafeInteger(time.events) &&
      time.events >= 0, 'must be a count');
  }
  const settings: CompleteSettings = {
    seed: given.seed,
    time,
    members: given.members ?? defaultMembers(time),
    duplicateRate: given.duplicateRate ?? 0.01,
    malformedRate: given.malformedRate ?? 0.005,
    lateRate: given.lateRate ?? 0.01,
    botRate: given.botRate ?? 0.03,
    extraFieldRate: given.extraFieldRate ?? 0.02,
    sentAt: given.sentAt ?? false,
  };
  const { members, duplicateRate, malformedRate, sentAt } = settings;
  const membersFit = Number.isSafeInteger(members) && members >= 1 && members <= mostMembers;
  require('members', members, membersFit, `must be a whole number from 1 to ${mostMembers}`);
  for (const name of ['duplicateRate', 'malformedRate', 'lateRate', 'botRate', 'extraFieldRate'] as const) {
    require(name, settings[name], settings[name] >= 0 && settings[name] <= 1, 'must be between 0 and 1');
  }
  const disturbed = duplicateRate + malformedRate;
  require('duplicateRate + malformedRate', disturbed, disturbed < 1, 'must leave room for events');
  // The collector would take the age of a back-filled event for a wrong clock, and move it to today (S2.3).
  require('sentAt', sentAt, !(sentAt && time.mode === 'back-fill'), 'cannot be combined with a back-fill');
  return settings;
}

/**
 * What tells apart two runs with one seed: their events must not be taken for each other's duplicates, so ids
 * depend on when a run starts.
 */
export function runIdentity(time: SimulationTime): string {
  return time.mode === 'live'
    ? `live ${time.startAt} ${time.eventsPerSecond}`
    : `back-fill ${time.endAt} ${time.days} ${time.events}`;
}

function defaultMembers(time: SimulationTime): number {
  const eventsPerSecond =
    time.mode === 'live' ? time.eventsPerSecond : (time.events * 1000) / (time.days * day);
  const busy = Math.round(eventsPerSecond * membersPerEventPerSecond);
  return Math.min(mostMembers, Math.max(fewestMembers, busy));
}

function requireInstant(name: string, value: number): void {
  const fits = Number.isFinite(value) && value >= 0 && value <= 8.64e15;
  require(name, value, fits, 'must be milliseconds since the epoch');
}

function require(name: string, value: unknown, fits: boolean, rule: string): void {
  if (fits) return;
  throw new SimulatorError({
    code: 'simulator-setting-invalid',
    message: `The simulator's setting ${name} is ${String(value)}; it ${rule}.`,
    hint: 'Correct the setting and start the simulation again.',
    details: { setting: name },
  });
}
