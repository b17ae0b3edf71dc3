import { loadProject, type ModelProject } from '@clicklake/pipeline';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  decide,
  type InputState,
  type ModelState,
  type PlannedStep,
} from '../../src/refresh/refresh-plan.ts';

let project: ModelProject;
beforeAll(async () => {
  project = await loadProject(join(import.meta.dirname, '../../../../models'));
});

function input(more: Partial<InputState> = {}): InputState {
  return {
    name: 'clickstream.silver',
    seen: 4,
    current: 7,
    changes: { dates: [], removed: false, addedRows: 0, onlyNewRows: false },
    step: undefined,
    ...more,
  };
}

function state(more: Partial<ModelState> = {}): ModelState {
  const model = project.models.get('daily_user_activity');
  if (model === undefined) throw new Error('the project has no daily_user_activity');
  return { model, exists: true, sameModel: true, inputs: [input()], ...more };
}

function step(mode: PlannedStep['mode'], dates: readonly string[] = []): PlannedStep {
  return { model: 'user_session_metrics', mode, reason: '', dates, vars: {}, pieces: 1 };
}

const changed = (...dates: string[]): InputState =>
  input({ changes: { dates, removed: false, addedRows: 1, onlyNewRows: false } });
const upstream = (planned: PlannedStep, more: Partial<InputState> = {}): InputState =>
  input({ name: 'user_session_metrics', step: planned, ...more });

describe('what a refresh does with one model (S7.3)', () => {
  test('nothing, when no input has changed', () => {
    expect(decide(state(), false)).toMatchObject({ mode: 'nothing' });
    expect(decide(state({ inputs: [input(), upstream(step('nothing'))] }), false)).toMatchObject({
      mode: 'nothing',
    });
  });

  test('the dates of all inputs together, each once and ascending', () => {
    const inputs = [
      changed('2026-01-03', '2026-01-01'),
      upstream(step('dates', ['2026-01-02', '2026-01-03']), {
        changes: { dates: ['2025-12-31'], removed: true, addedRows: 1, onlyNewRows: false },
      }),
    ];
    expect(decide(state({ inputs }), false)).toMatchObject({
      mode: 'dates',
      dates: ['2025-12-31', '2026-01-01', '2026-01-02', '2026-01-03'],
    });
  });

  test('dates that an upstream is going to replace count although its table has not changed yet', () => {
    const inputs = [input(), upstream(step('dates', ['2026-01-02']))];
    expect(decide(state({ inputs }), false)).toMatchObject({ mode: 'dates', dates: ['2026-01-02'] });
  });

  test('dates that an upstream replaced in a run that stopped there still count', () => {
    const stopped = upstream(step('nothing'), {
      changes: { dates: ['2026-01-02'], removed: true, addedRows: 1, onlyNewRows: false },
    });
    expect(decide(state({ inputs: [input(), stopped] }), false)).toMatchObject({
      mode: 'dates',
      dates: ['2026-01-02'],
    });
  });

  const anew: readonly (readonly [string, () => ModelState, boolean, RegExp])[] = [
    ['there is no table', () => state({ exists: false }), false, /no table/],
    ['it is asked for', () => state(), true, /asked/],
    [
      'the model has changed',
      () => state({ sameModel: false }),
      false,
      /daily_user_activity\.sql has changed/,
    ],
    [
      'an upstream is made anew',
      () => state({ inputs: [changed('2026-01-01'), upstream(step('full'))] }),
      false,
      /user_session_metrics/,
    ],
    [
      'an input is new',
      () => state({ inputs: [input({ seen: undefined, changes: undefined })] }),
      false,
      /new input/,
    ],
    [
      'an input is younger than what was seen',
      () => state({ inputs: [input({ current: 3 })] }),
      false,
      /another/,
    ],
    [
      'log entries are gone',
      () => state({ inputs: [changed('2026-01-01'), upstream(step('nothing'), { changes: undefined })] }),
      false,
      /log of user_session_metrics .* version 4/,
    ],
  ];
  test.each(anew)('everything, when %s', (_, make, askedForFull, reason) => {
    const decision = decide(make(), askedForFull);
    expect(decision.mode).toBe('full');
    expect(decision.reason).toMatch(reason);
  });
});
