import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadProject } from './load-project.ts';
import type { ModelProject } from './model-project.ts';

/** A project as its files are now; read again only when one of them has changed. */
export type ProjectCache = () => Promise<ModelProject>;

/** What dbt makes of a project lies in it, too. */
const ownFile = /\.(sql|ya?ml)$/;
const madeByDbt = /^(target|dbt_packages|logs)\//;

export function createProjectCache(directory: string): ProjectCache {
  let known: { readonly files: string; readonly project: Promise<ModelProject> } | undefined;
  return async () => {
    const files = await describeFiles(directory);
    if (known?.files === files) return known.project;
    const read = { files, project: loadProject(directory) };
    known = read;
    try {
      return await read.project;
    } catch (error) {
      // What kept it from being read may be gone the next time.
      if (known === read) known = undefined;
      throw error;
    }
  };
}

async function describeFiles(directory: string): Promise<string> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const own = names.filter((name) => ownFile.test(name) && !madeByDbt.test(name)).sort();
  const described = await Promise.all(
    own.map(async (name) => {
      const { mtimeMs, size } = await stat(join(directory, name));
      return `${name} ${mtimeMs} ${size}`;
    }),
  );
  return described.join('\n');
}
