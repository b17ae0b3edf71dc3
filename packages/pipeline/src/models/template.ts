import nunjucks from 'nunjucks';
import { ModelError } from './model-error.ts';
import type { Template, Variables } from './model-project.ts';

/** What a template is rendered against: dbt's own names, and nothing else. */
export interface RenderContext {
  readonly dialect: 'duckdb' | 'spark' | 'trino';
  readonly incremental: boolean;
  readonly vars: Variables;
  readonly ref: (name: string) => string;
  readonly source: (source: string, table: string) => string;
  /** The model's own relation. */
  readonly self: string;
  /** Told of each `config(…)`. */
  readonly config: (settings: Readonly<Record<string, unknown>>) => void;
}

/** Of nunjucks's rendering context, what `adapter.dispatch` looks macros up in. */
interface MacroScope {
  lookup(name: string): ((...values: unknown[]) => unknown) | undefined;
}

/**
 * Renders a template as dbt does (Jinja by nunjucks): `ref`, `source`, `config`, `var`, `this`, `is_incremental`,
 * `adapter.dispatch`, `return`, `exceptions.raise_compiler_error`, and the project's macros.
 *
 * @param macros macro blocks without anything between them: they leave no trace in the output.
 * @throws ModelError `model-compile-failed`, `model-unknown-reference`.
 */
export function renderTemplate(template: Template, macros: string, context: RenderContext): string {
  const environment = new nunjucks.Environment(null, { autoescape: false, throwOnUndefined: true });
  let scope: MacroScope | undefined;
  const keepScope = (found: MacroScope): string => {
    scope = found;
    return '';
  };
  // nunjucks calls a global with its context as `this`: the only way to the macros of the template.
  environment.addGlobal('__scope', function (this: MacroScope) {
    return keepScope(this);
  });
  const globals: Readonly<Record<string, unknown>> = {
    ref: context.ref,
    source: context.source,
    this: context.self,
    // dbt parses first, when there is nothing to ask the database; we only ever compile.
    execute: true,
    is_incremental: () => context.incremental,
    config(settings: Readonly<Record<string, unknown>>) {
      context.config(withoutMarker(settings));
      return '';
    },
    var: (name: string, fallback?: unknown) => variable(context.vars, name, fallback),
    return: (value: unknown) => value,
    target: { type: context.dialect },
    exceptions: {
      raise_compiler_error(message: string) {
        throw new Error(message);
      },
    },
    adapter: {
      dispatch(name: string) {
        const macro = scope?.lookup(`${context.dialect}__${name}`) ?? scope?.lookup(`default__${name}`);
        if (macro === undefined) throw new Error(`No macro ${name} for ${context.dialect}.`);
        return macro;
      },
    },
  };
  for (const [name, value] of Object.entries(globals)) environment.addGlobal(name, value);
  try {
    return environment.renderString(`{{ __scope() }}${macros}${template.text.trim()}`, {});
  } catch (error) {
    throw compileError(template, error, macros);
  }
}

/** nunjucks marks the object that stands for keyword arguments. */
function withoutMarker(settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => name !== '__keywords'));
}

function variable(vars: Variables, name: string, fallback: unknown): unknown {
  if (Object.hasOwn(vars, name)) return vars[name];
  if (fallback !== undefined) return fallback;
  throw new Error(`There is no variable ${name}.`);
}

/** nunjucks counts the lines of the macros before the template, too. */
function compileError(template: Template, error: unknown, macros: string): ModelError {
  const message = error instanceof Error ? error.message : String(error);
  const before = macros.split('\n').length - 1;
  const [, line] = /\[Line (\d+)/.exec(message) ?? [];
  const place = line === undefined || Number(line) <= before ? '' : `, line ${Number(line) - before}`;
  const reason = message.replace(/^\(unknown path\)\s*(\[Line [^\]]*\])?\s*/, '').replace(/^\s*Error: /, '');
  return new ModelError({
    code: 'model-compile-failed',
    message: `${template.path}${place}: ${reason}`,
    hint: 'Mend the template; `dbt compile` in the models directory shows the same text.',
    cause: error,
    details: { path: template.path },
  });
}
