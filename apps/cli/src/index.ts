export { run } from './run.ts';
export type { Effects, InputStream, OutputStream, SignalSource } from './effects.ts';
export { exitCodes, type ExitCode } from './exit-codes.ts';
