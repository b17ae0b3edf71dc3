export { castTypes, maxChanges, parseChange, parseChanges, type Change } from './change.ts';
export { mendByChanges, type Mended } from './mend.ts';
export { replayDeadLetters, type ReplayDependencies, type ReplayObserver } from './replay-dead-letters.ts';
export {
  maxReplayed,
  type ReplacedEvent,
  type ReplayAppender,
  type ReplayedLetter,
  type ReplayProgress,
  type ReplayRequest,
  type ReplayResult,
  type ReplayStatus,
  type ReplayVerdict,
} from './replay-request.ts';
