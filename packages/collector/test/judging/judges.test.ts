import { createJudgeHere } from '../../src/judging/judge-here.ts';
import { startJudgeThread } from '../../src/judging/judge-in-thread.ts';
import { createJudgeUnderLoad } from '../../src/judging/judge-under-load.ts';
import { contract, describeBodyJudge, maxEvents } from './judge-conformance.ts';

describeBodyJudge('in the caller’s thread', createJudgeHere);
describeBodyJudge('in a thread', (judgeOne) => startJudgeThread({ contract, maxEvents, judgeOne }));
describeBodyJudge('under load, with a thread that comes and goes', (judgeOne) =>
  createJudgeUnderLoad({
    judgeOne,
    startThread: () => startJudgeThread({ contract, maxEvents, judgeOne }),
    onFailure: () => undefined,
    policy: { startBytesPerSecond: 0, windowMs: 0, idleMs: 20, smallBody: 500, pauseAfterFailureMs: 0 },
  }),
);
