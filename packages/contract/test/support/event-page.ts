import { defaultSettings, eventDocsTable, rejectionDocsTable } from '@clicklake/contract';

/** The text of docs/event.md. */
export function eventPage(): string {
  const { maxEventAgeDays, maxFutureMs, maxEventBytes, maxDepth } = defaultSettings;
  return `# The event

Generated from the code of this package; a test keeps it up to date. An event is a JSON object. These are its
fields, in the order of Silver's columns:

${eventDocsTable()}

\`client\` fields are the sender's. \`collector\` fields are stamped before the event enters the log; \`ingest\` fields
when it leaves the log for Silver. What a client sends under the name of either moves to \`properties\` as
\`$client.<name>\`.

## Rules

- \`event_type\` and one of \`user_id\` and \`anonymous_id\` are required; \`custom\` requires \`event_name\`.
- \`null\` is the same as absent. Nothing is coerced: \`"12"\` is not 12. A whole number may be written \`12\`,
  \`12.0\` or \`1.2e1\`, because JSON has one kind of number.
- Lengths are in bytes of UTF-8. Any Unicode text is valid, U+0000 included; half of a surrogate pair is not.
- \`properties\` is an object. Silver keeps its JSON text. Fields that the contract does not know go there under
  their own names; when a name is taken, as \`$extra.<name>\`. Members of \`click_coordinates\` other than \`x\` and
  \`y\` go there as \`click_coordinates.<name>\`. Numbers that a double can't hold stay digit for digit.
- \`ip_address\` in the body counts only with a server-side key. One that does not count, or is no IPv4 or IPv6
  address, is kept as \`$client.ip_address\`. With truncation on, IPv4 loses its last octet, IPv6 all but its /48,
  here as there, and what is no address is dropped.
- Of members with one name the last counts.
- An event nests at most ${maxDepth} deep, and its record is at most ${maxEventBytes} bytes.

## Times

\`\`\`
YYYY-MM-DD ( "T" | "t" | " " ) HH:MM [ ":" SS [ "." 1–9 digits ] ] [ "Z" | "z" | ±HH | ±HHMM | ±HH:MM ]
\`\`\`

The day must exist; hours are 00–23, minutes and seconds 00–59 (no leap second, no 24:00). No offset means UTC.
Digits beyond milliseconds are cut off. Numbers are not times. Every time must lie from 1970 to 9999.

\`timestamp\` becomes \`timestamp + (received_at − sent_at)\` when \`sent_at\` is given; \`received_at\` when it is missing
or would lie more than ${maxFutureMs / 1000} s after \`received_at\`; and is refused when it lies more than ${maxEventAgeDays} days before.
\`client_timestamp\` keeps what the client sent.

## Why an event is refused

${rejectionDocsTable()}
`;
}
