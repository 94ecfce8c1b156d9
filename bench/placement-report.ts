import { BUSY_MS, FAR_MS, NEAR_MS, OWNERS } from './away.ts';
import { rounded } from './measure.ts';
import { CONNECTIONS, LIVES, type PlaceRow, type ThroughputRow } from './placement.ts';
import { markdownTable } from './report.ts';

export const placementTable = (rows: readonly PlaceRow[]): string[][] => [
	['caller in', 'databases', 'create', 'with a key', 'update', 'list', 'a session of 61 calls'],
	...rows.map((row) => [
		row.place,
		row.databases,
		...[row.create, row.createWithKey, row.update, row.list, row.life].map((ms) => `${ms} ms`),
	]),
];

export const throughputTable = (rows: readonly ThroughputRow[]): string[][] => [
	['databases', 'updates a second', `${BUSY_MS} ms a trip, one at a time`, 'compared with one database'],
	...rows.map(({ databases, machine, busy }) => [
		String(databases),
		String(machine),
		String(busy),
		`${rounded(busy / (rows[0]?.busy ?? Number.NaN))} ×`,
	]),
];

export const placementMarkdown = (
	{ places, throughput: rows }: { places: readonly PlaceRow[]; throughput: readonly ThroughputRow[] },
	machine: string,
): string => `# Latency and throughput of several databases

Made by \`npm run bench -- --placement\`. ${machine}.

Each trip to a database has an artificial delay: ${NEAR_MS} ms on the caller's continent, and ${FAR_MS} ms to any other. The figures are
medians of ${LIVES} sessions, with callers on all three continents at once. A session is the one of
[docs/scaling.md](../docs/scaling.md#what-a-million-sessions-a-day-cost): 1 create, 10 updates, 30 events, 5 details,
5 lists and 10 pages of events, one call after the other.

${markdownTable(placementTable(places))}

A list asks every database, so it takes as long as a trip to the farthest one. A create with an \`Idempotency-Key\` takes
a trip to \`DB\` first.

The throughput is that of updates by ${OWNERS} callers at once over ${CONNECTIONS} connections, without that delay. The load generator, the
Worker and all databases share this machine, so the first column of figures does not grow with the number of databases.
In the second column each database takes ${BUSY_MS} ms for each trip and does one trip at a time, as D1 does with queries.

${markdownTable(throughputTable(rows))}
`;
