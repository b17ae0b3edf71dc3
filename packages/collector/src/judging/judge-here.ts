import { randomUUID } from 'node:crypto';
import type { Contract } from '@clicklake/contract';
import { createEnricher } from '../enrichment.ts';
import type { BodyJudge, JudgeTask, Verdict } from './body-judge.ts';
import { judgeBody } from './judge-body.ts';
import { createVerdicts } from './judged-events.ts';

/**
 * Judges one body; what comes out is valid until the next one.
 *
 * @throws Refusal `too-many-events`.
 */
export type JudgeOne = (task: JudgeTask) => Verdict;

export function createJudgeOne(contract: Contract, maxEvents: number): JudgeOne {
  const enrich = createEnricher();
  const verdicts = createVerdicts(contract.fingerprint);
  return ({ body, format, facts }) => {
    const context = { ...facts, enrich, newEventId: randomUUID };
    return judgeBody(body, format, { contract, context, maxEvents, verdicts });
  };
}

/** Judges in the caller's thread, within the call. */
export function createJudgeHere(judgeOne: JudgeOne): BodyJudge {
  return {
    judge: async (task, take) => take(judgeOne(task)),
    pending: () => 0,
    close: () => Promise.resolve(),
  };
}
