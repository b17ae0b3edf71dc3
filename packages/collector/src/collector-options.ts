import { BlockList, isIP } from 'node:net';
import type { Contract } from '@clicklake/contract';
import { noCrashPoints, type CrashPoints } from '@clicklake/durable-files';
import type { LogWriter } from '@clicklake/event-log';
import { CollectorError } from './collector-error.ts';
import type { KeyStore } from './key-store.ts';
import { defaultPolicy, type ThreadPolicy } from './judging/judge-under-load.ts';
import { defaultLimits, type Limits } from './limits.ts';

/** How hard pressed the system is, as its owner knows it; asked on every request, so it must be cheap. */
export interface Pressure {
  /** Records in the log that ingest has not committed. */
  readonly lagRecords: number;
  /** Free bytes of the disk that holds the log. */
  readonly diskFreeBytes: number;
}

/** What was stored for one request, told as soon as it is durable. */
export interface AppendedRequest {
  readonly sourceId: string;
  readonly accepted: number;
  readonly rejected: number;
  /** Of the body, decoded. */
  readonly bytes: number;
}

export interface CollectorOptions {
  readonly contract: Contract;
  /** Stays the owner's: `stop` does not close it. */
  readonly writer: LogWriter;
  readonly keys: KeyStore;
  /** What `POST /v1/replays` takes; null, the default: there is no such route. */
  readonly replayKey?: string | null;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 8085; 0 takes a free one. */
  readonly port?: number;
  /** Needed to bind beyond loopback (S6.5). */
  readonly allowNonLoopback?: boolean;
  /** Host names, besides those of loopback and `host`, under which senders may address this collector (S6.5). */
  readonly allowedHosts?: readonly string[];
  /** Addresses or CIDR ranges whose X-Forwarded-For is believed (S1.4); default none. */
  readonly trustedProxies?: readonly string[];
  /** Truncates IP addresses before anything is stored (S1.4); default false. */
  readonly truncateIp?: boolean;
  readonly limits?: Partial<Limits>;
  /** When a second thread helps to judge events. */
  readonly judging?: Partial<ThreadPolicy>;
  /** Default: no pressure at all. */
  readonly pressure?: () => Pressure;
  /** Wall clock, ms since the epoch; default `Date.now`. */
  readonly now?: () => number;
  /** For the kill tests; default none. */
  readonly crashPoints?: CrashPoints;
  /** Called after each durable append. Must not throw. */
  readonly onAppended?: (request: AppendedRequest) => void;
  /** Called with every failure that is not the sender's doing: of the log, or a defect. Must not throw. */
  readonly onFailure?: (error: unknown) => void;
}

/** Options past the boundary: complete. */
export type CollectorSettings = Required<
  Omit<CollectorOptions, 'limits' | 'judging' | 'allowNonLoopback' | 'allowedHosts'>
> & {
  readonly limits: Limits;
  readonly judging: ThreadPolicy;
  /** Lower-case host names, without port. */
  readonly allowedHosts: ReadonlySet<string>;
};

/** @throws CollectorError `collector-host-not-loopback`, `collector-option-invalid`. */
export function parseOptions(options: CollectorOptions): CollectorSettings {
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? 8085;
  if (options.allowNonLoopback !== true && !isLoopback(host)) {
    throw new CollectorError({
      code: 'collector-host-not-loopback',
      message: `The collector would listen on ${host}, where other machines can reach it.`,
      hint: 'Set allowNonLoopback when that is meant, and put TLS in front of it; or leave the host at 127.0.0.1.',
      details: { host },
    });
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw invalid('port', 'from 0 to 65535');
  const trustedProxies = options.trustedProxies ?? [];
  if (!trustedProxies.every(isAddressOrRange)) throw invalid('trustedProxies', 'IP addresses or CIDR ranges');
  return {
    contract: options.contract,
    writer: options.writer,
    keys: options.keys,
    replayKey: options.replayKey ?? null,
    host,
    port,
    allowedHosts: new Set(
      ['127.0.0.1', 'localhost', '[::1]', urlHost(host), ...(options.allowedHosts ?? [])].map((name) =>
        name.toLowerCase(),
      ),
    ),
    trustedProxies,
    truncateIp: options.truncateIp ?? false,
    limits: parseLimits(options.limits ?? {}),
    judging: { ...defaultPolicy, ...options.judging },
    pressure: options.pressure ?? noPressure,
    now: options.now ?? Date.now,
    crashPoints: options.crashPoints ?? noCrashPoints,
    onAppended: options.onAppended ?? ignore,
    onFailure: options.onFailure ?? ignore,
  };
}

/** A host as it stands in a URL: IPv6 in brackets. */
export function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

function parseLimits(given: Partial<Limits>): Limits {
  const limits: Record<string, number> = { ...defaultLimits };
  for (const [name, value] of Object.entries(given)) {
    // An explicit undefined must not erase a default.
    if ((value as number | undefined) === undefined) continue;
    if (!(value >= 0)) throw invalid(`limits.${name}`, 'a number of at least 0');
    limits[name] = value;
  }
  return limits as unknown as Limits;
}

const noPressure = (): Pressure => ({ lagRecords: 0, diskFreeBytes: Number.POSITIVE_INFINITY });
const ignore = (): void => undefined;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host === 'localhost' : loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

function isAddressOrRange(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function invalid(option: string, range: string): CollectorError {
  return new CollectorError({
    code: 'collector-option-invalid',
    message: `The collector's option ${option} is out of range.`,
    hint: `It takes ${range}.`,
    details: { option },
  });
}
