import { randomUUID } from 'node:crypto';
import { createEnricher, type DeadLetterKey } from '@clicklake/collector';
import { parseEventJson, type Contract, type PrepareContext, type Prepared } from '@clicklake/contract';
import type { LogWriter, NewRecord } from '@clicklake/event-log';
import type { EventSink, SimulatedRecord, Surprise } from '@clicklake/simulator';

/** What the events of a back-fill bear as their source. */
const sourceId = 'back-fill';

/**
 * Puts records straight into the log, judged and enriched as the collector does it: the way of a back-fill, whose
 * events need no network.
 */
export function createLogSink(
  writer: LogWriter,
  contract: Contract,
  now: () => number,
  truncateIp: boolean,
): EventSink {
  const enrich = createEnricher();
  return {
    async send(records) {
      // received_at never decreases within a partition (S1.5): no await before the append.
      const receivedAt = Math.max(now(), writer.lastTimestamp());
      const context: PrepareContext = {
        receivedAt,
        sourceId,
        clientIp: null,
        trustBodyIp: true,
        truncateIp,
        userAgent: null,
        enrich,
        newEventId: randomUUID,
      };
      const judged = records.map((record) => ({ record, verdict: judge(record, contract, context) }));
      await writer.append(
        judged.map(({ record, verdict }) => logRecord(record, verdict, contract, receivedAt)),
      );
      const accepted = judged.filter(({ verdict }) => verdict.ok).length;
      return {
        accepted,
        rejected: records.length - accepted,
        surprises: judged.flatMap(({ record, verdict }): Surprise[] => {
          if (verdict.ok === (record.kind !== 'malformed')) return [];
          return [
            {
              record,
              status: verdict.ok ? 'accepted' : 'rejected',
              reason: verdict.ok ? null : verdict.reason,
            },
          ];
        }),
        resent: [],
      };
    },
  };
}

function judge(record: SimulatedRecord, contract: Contract, context: PrepareContext): Prepared {
  let event: unknown;
  try {
    event = parseEventJson(record.bytes);
  } catch {
    return {
      ok: false,
      eventId: null,
      field: null,
      reason: 'malformed_json',
      message: 'The line is not JSON.',
    };
  }
  return contract.prepare(event, context);
}

function logRecord(
  record: SimulatedRecord,
  verdict: Prepared,
  contract: Contract,
  timestamp: number,
): NewRecord {
  if (verdict.ok) {
    const { key, value } = verdict;
    return { topic: 'clickstream-events', key, value, timestamp, judgedBy: contract.fingerprint };
  }
  const { reason, field, message, eventId } = verdict;
  const key: DeadLetterKey = { reason, field, message, event_id: eventId, source_id: sourceId };
  return {
    topic: 'clickstream-errors',
    key: JSON.stringify(key),
    value: record.bytes,
    timestamp,
    judgedBy: null,
  };
}
