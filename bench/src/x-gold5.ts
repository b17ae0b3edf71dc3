// to be placed in bench/src
import { cp, rm } from 'node:fs/promises';
import { DuckDBConnection } from '@duckdb/node-api';
import { openEmbeddedLog } from '@clicklake/event-log';
import { lakePaths } from '@clicklake/pipeline';
import { createSimulation } from '@clicklake/simulator';
import { openBenchOwner } from './support/bench-owner.ts';
import { recordMaker } from './support/collected-records.ts';
const name = process.argv[2]!; const date = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10); const from = process.env.HOME + '/.cache/clicklake/bench-gold-day-3-' + date + '-' + name + '-1'; const home = from + '-profile'; const rounds = Number(process.argv[3] ?? 4);
await rm(home, { recursive: true, force: true }); await cp(from, home, { recursive: true });
const paths = lakePaths(home);
let log: [number, string, string][] = [];
let depth = 0;
for (const m of ['run', 'runAndReadAll', 'stream', 'runAndRead', 'streamAndReadAll', 'prepare', 'extractStatements'] as const) {
  const run = (DuckDBConnection.prototype as any)[m];
  (DuckDBConnection.prototype as any)[m] = async function (...a: any) {
    const u = process.cpuUsage(); const t = performance.now(); const top = depth++ === 0;
    try { return await run.apply(this, a); } finally { depth--; if (top) log.push([performance.now() - t, t as any, (() => { const v = process.cpuUsage(u); return Math.round((v.user+v.system)/1000) + 'cpu '; })() + String(a[0]).replace(/\s+/g, ' ')]); }
  };
}
const startAt = Date.parse(date + (name === 'dense' ? 'T00:00:00Z' : 'T23:00:00Z')); const simulation = createSimulation({ seed: 'load', time: { mode: 'live', startAt, eventsPerSecond: 1000 }, duplicateRate: 0, malformedRate: 0 }); if (name === 'dense') for (let i = 0; i < 1e6; i++) simulation.next();
const recordOf = recordMaker();
const owner = await openBenchOwner(paths, 256);
for (let r = 0; r < rounds; r++) {
  const writer = await openEmbeddedLog({ directory: paths.log }).openWriter();
  const recs: any[] = [];
  for (let i = 0; i < 10_000; i++) { const n = simulation.next(); if (!n.done) recs.push(recordOf(n.value)); if (recs.length >= 1000) await writer.append(recs.splice(0)); }
  await writer.append(recs); await writer.close();
  await owner.catchUp(() => undefined);
  log = [];
  const t = performance.now();
  const result: any = await owner.refresh({ full: false, models: [] });
  const all = performance.now() - t;
  console.log('round', r, Math.round(all), 'sql', Math.round(log.reduce((s, [x]) => s + x, 0)), log.length, result.models?.map((m: any) => `${m.model}:${m.mode}:${m.rows}r:${Math.round(m.bytes / 1e3)}k:${m.durationMs}ms`).join(' '));
  for (const [ms, at, sql] of log as any) if (sql.includes('cpu COPY') && ms > 100) console.log('   copy', Math.round(ms), sql.slice(0,12), sql.slice(-120)); if (r === rounds - 1) { let end = t; for (const [ms, at, sql] of log as any) { const gap = at - end; end = at + ms; console.log('  @', Math.round(at - t), 'gap', Math.round(gap), 'ms', Math.round(ms), sql.length, sql.slice(0, 110), '…', sql.slice(-90)); } console.log('tail gap', Math.round(t + all - end)); }
}
await owner.close();
await rm(home, { recursive: true, force: true });
