import { createContract, parseEventJson } from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';
import type { SimulatedRecord } from '@clicklake/simulator';

/** Turns the simulator's valid events into log records as the collector leaves them. */
export function recordMaker(): (event: SimulatedRecord) => NewRecord {
  const contract = createContract();
  let number = 0;
  return ({ bytes, emitAt }) => {
    number += 1;
    const prepared = contract.prepare(parseEventJson(bytes), {
      receivedAt: Math.trunc(emitAt),
      sourceId: 'bench',
      clientIp: null,
      trustBodyIp: true,
      truncateIp: false,
      userAgent: null,
      enrich: () => ({ deviceType: null, browser: null, os: null, isBot: false }),
      newEventId: () => `bench-${number}`,
    });
    if (!prepared.ok) throw new Error(`The simulator made an invalid event: ${prepared.message}`);
    const { key, value } = prepared;
    return {
      topic: 'clickstream-events',
      key,
      value,
      timestamp: Math.trunc(emitAt),
      judgedBy: contract.fingerprint,
    };
  };
}
