import { parentPort, workerData } from 'node:worker_threads';
import { createContract, type ContractSettings } from '@clicklake/contract';
import { createJudgeOne } from './judge-here.ts';
import { control, openSlot, slotCount, type SharedSlots } from './judge-slots.ts';

/** What the thread is started with. */
export interface JudgeThreadData {
  readonly shared: SharedSlots;
  readonly settings: ContractSettings;
  readonly maxEvents: number;
}

/** Judges what is submitted, in its order, until it is told to stop. */
function run({ shared, settings, maxEvents }: JudgeThreadData): void {
  const contract = createContract(settings);
  const judgeOne = createJudgeOne(contract, maxEvents);
  const rules = { judgedBy: contract.fingerprint, maxEvents };
  const slots = Array.from({ length: slotCount }, (_, index) => openSlot(shared, index, rules));
  const words = new Int32Array(shared.control);
  parentPort?.postMessage('ready');
  for (let judged = 0; ; judged += 1) {
    while (Atomics.load(words, control.submitted) === judged) {
      if (Atomics.load(words, control.stop) === 1) return;
      Atomics.wait(words, control.submitted, judged);
    }
    const slot = slots[judged % slotCount];
    try {
      slot?.putVerdict(judgeOne(slot.task()));
    } catch (error) {
      slot?.putError(error);
    }
    Atomics.store(words, control.judged, judged + 1);
    if (Atomics.exchange(words, control.feederWaits, 0) === 1) parentPort?.postMessage('judged');
  }
}

run(workerData as JudgeThreadData);
