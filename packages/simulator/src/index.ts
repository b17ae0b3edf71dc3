// Public surface; see README.md.
export { createSimulation } from './simulation.ts';
export type { SimulationSettings, SimulationTime } from './simulation-settings.ts';
export type { InvalidRecord, SimulatedRecord, ValidRecord } from './simulated-record.ts';
export type { EventFacts, EventType } from './simulated-event.ts';
export { malformedReasons, type ExpectedReason, type MalformedKind } from './malformed.ts';
export { SimulatorError, type SimulatorErrorCode } from './simulator-error.ts';
