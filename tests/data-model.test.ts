import { join } from 'node:path';
import { loadProject } from '@clicklake/pipeline';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { dataModelPage } from './support/data-model-page.ts';
import { root } from './support/repository.ts';
import { sourcesFile } from './support/sources-file.ts';

// `vitest -u` writes them anew, as Prettier would leave them.
it.each([
  ['docs/data-model.md', async () => dataModelPage(await loadProject(join(root, 'models')))],
  ['models/staging/sources.yml', () => Promise.resolve(sourcesFile())],
] as const)('the generated file %s is up to date', async (file, text) => {
  const path = join(root, file);
  const formatted = await format(await text(), { ...(await resolveConfig(path)), filepath: path });
  await expect(formatted).toMatchFileSnapshot(path);
});
