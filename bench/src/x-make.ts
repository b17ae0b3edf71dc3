import { join } from 'node:path';
import { cacheDirectory } from './support/event-log-fixture.ts';
import { denseDay, makeGoldDay, spreadDay } from './support/gold-day-fixture.ts';
const date = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
for (const make of [denseDay, spreadDay]) { const day = make(date, 1e6); const t = performance.now(); await makeGoldDay(join(cacheDirectory(), `bench-gold-day-3-${date}-${day.name}-1`), day, 1e6, console.log); console.log(day.name, Math.round(performance.now() - t)); }
