import { unknownReference } from './compile.ts';
import { ModelError } from './model-error.ts';
import type { Model } from './model-project.ts';

/**
 * Models so that each comes after what it depends on; the same for the same project.
 *
 * @throws ModelError `model-cycle`, `model-unknown-reference`, `model-project-invalid` for a name given twice.
 */
export function inOrder(models: readonly Model[], sources: ReadonlyMap<string, string>): readonly Model[] {
  const byName = new Map<string, Model>();
  for (const model of models) {
    const other = byName.get(model.name);
    if (other !== undefined) throw namedTwice(model, other);
    byName.set(model.name, model);
  }
  const ordered: Model[] = [];
  const done = new Set<string>();
  const visit = (model: Model, path: readonly string[]): void => {
    if (done.has(model.name)) return;
    if (path.includes(model.name)) throw cycle([...path, model.name]);
    for (const { kind, name } of model.dependsOn) {
      if (kind === 'source') {
        if (!sources.has(name)) throw unknownReference(model.path, `source ${name}`);
        continue;
      }
      const upstream = byName.get(name);
      if (upstream === undefined) throw unknownReference(model.path, `model ${name}`);
      visit(upstream, [...path, model.name]);
    }
    done.add(model.name);
    ordered.push(model);
  };
  for (const model of byName.values()) visit(model, []);
  return ordered;
}

function cycle(path: readonly string[]): ModelError {
  return new ModelError({
    code: 'model-cycle',
    message: `Models depend on each other in a circle: ${path.join(' → ')}.`,
    hint: 'Take one of these references out.',
    details: { path },
  });
}

function namedTwice(model: Model, other: Model): ModelError {
  return new ModelError({
    code: 'model-project-invalid',
    message: `Two models are called ${model.name}: ${other.path} and ${model.path}.`,
    hint: 'A model is named by its file: rename one of them.',
    details: { path: model.path },
  });
}
