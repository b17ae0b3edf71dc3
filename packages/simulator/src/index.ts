// Public surface; see README.md.
export { createSimulation } from './simulation.ts';
export type { SimulationSettings, SimulationTime } from './simulation-settings.ts';
export type { DuplicateRecord, EventRecord, MalformedRecord, SimulatedRecord } from './simulated-record.ts';
export type { EventFacts, EventType } from './simulated-event.ts';
export { malformedReasons, type MalformedKind } from './malformed.ts';
export { runSimulation, type RunOptions, type RunProgress } from './run-simulation.ts';
export { realPacingClock, type PacingClock } from './pacing-clock.ts';
export type { EventSink, SendOutcome, Surprise } from './event-sink.ts';
export { createHttpSink, type HttpSink, type HttpSinkOptions } from './http-sink.ts';
export { createTruthWriter, type TruthWriter } from './truth-writer.ts';
export { readTruth } from './truth-reader.ts';
export {
  createTruthTally,
  type TruthDelivery,
  type TruthDuplicate,
  type TruthEvent,
  type TruthLine,
  type TruthMalformed,
  type TruthSummary,
  type TruthTally,
} from './truth.ts';
export { SimulatorError, type SimulatorErrorCode } from './simulator-error.ts';
