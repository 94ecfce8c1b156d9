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
	['databases', 'updates a second', `${BUSY_MS} ms a trip, one at a time`, 'of one'],
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
): string => `# Near everyone, and past one database

Made by \`npm run bench -- --placement\`. ${machine}.

An artificial delay stands before each trip to a database: ${NEAR_MS} ms to one on the caller's continent, ${FAR_MS} ms to any other. Medians of
${LIVES} sessions, for callers on all three continents at once. A session is the one of [docs/scaling.md](../docs/scaling.md#what-a-million-sessions-a-day-cost): 1
create, 10 updates, 30 events, 5 details, 5 lists and 10 pages of events, one call after the other.

${markdownTable(placementTable(places))}

The list asks every database, so it takes as long as the farthest one. A create with an \`Idempotency-Key\` goes to \`DB\` first.

Throughput: updates by ${OWNERS} callers at once over ${CONNECTIONS} connections, without that delay. In the first column load generator, Worker
and all databases share this machine, whatever their number; in the second each database is busy for ${BUSY_MS} ms with each trip
and answers nobody else meanwhile, as D1 does.

${markdownTable(throughputTable(rows))}
`;
