/**
 * Measures what keeping earlier versions costs a write, beside the same service without history, and the room that they take:
 * `npx node bench/experiments/history.ts > bench/experiments/history.md`.
 */
import { Agent } from 'undici';
import { build, type Contender, startContender } from '../contenders.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { insertSessions, OWNER, planOf, sessionId } from '../seed.ts';
import { percentile } from '../statistics.ts';

const WRITES = 100;
const SESSIONS = '/v1/products/generation/sessions';

const small = planOf(10_000);
const large = planOf(380_000);
const stepsBut = (plan: { steps: object[] }, n: number) => ({ steps: [...plan.steps.slice(1), { n }] });

/** The n-th write of each kind, to a session with a plan. */
const kinds: Record<string, { plan: object; merges: boolean; write: (n: number) => object }> = {
	'a status': { plan: small, merges: false, write: (n) => ({ status: n % 2 === 0 ? 'failed' : 'intake' }) },
	'one member of 10 KB': { plan: small, merges: true, write: (n) => ({ plan: { owner: `worker-${n}` } }) },
	'one member of 380 KB': { plan: large, merges: true, write: (n) => ({ plan: { owner: `worker-${n}` } }) },
	'five members of 380 KB': {
		plan: large,
		merges: true,
		write: (n) => ({ plan: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, n])) }),
	},
	'an object of 10 KB as a whole': {
		plan: small,
		merges: false,
		write: (n) => ({ plan: stepsBut(small, n) }),
	},
	'an object of 380 KB as a whole': {
		plan: large,
		merges: false,
		write: (n) => ({ plan: stepsBut(large, n) }),
	},
};

interface Figures {
	p50Ms: number;
	rowsRead: number;
	rowsWritten: number;
}

/** The middle of the costs of some writes, one after the other. */
async function measure(service: Contender, session: number, kind: string): Promise<Figures> {
	const { merges, write } = kinds[kind] ?? { merges: false, write: () => ({}) };
	const agent = new Agent();
	const type = merges ? 'application/merge-patch+json' : 'application/json';
	const times: number[] = [];
	const read: number[] = [];
	const written: number[] = [];
	for (let n = 0; n < WRITES; n += 1) {
		const logged = new Promise<void>((resolve) => {
			service.onCost = ({ rowsRead, rowsWritten }) => {
				read.push(rowsRead);
				written.push(rowsWritten);
				resolve();
			};
		});
		const started = performance.now();
		const { statusCode, body } = await agent.request({
			origin: service.url,
			path: `${SESSIONS}/${sessionId(session)}`,
			method: 'PATCH',
			headers: { Authorization: `Bearer ${service.key}`, 'Content-Type': type },
			body: JSON.stringify(write(n)),
		});
		await body.dump();
		if (statusCode !== 200) throw new Error(`${kind}: ${statusCode}`);
		times.push(performance.now() - started);
		await logged;
	}
	service.onCost = undefined;
	await agent.destroy();
	const half = (figures: number[]) => percentile(figures, 0.5);
	return { p50Ms: half(times), rowsRead: half(read), rowsWritten: half(written) };
}

const script = build();
const names = Object.keys(kinds);
const costs: Record<'0' | '', Figures[]> = { '0': [], '': [] };
const kept: string[] = [];
for (const historyBytes of ['0', ''] as const) {
	const service = await startContender('service', script, 'in memory', { HISTORY_BYTES: historyBytes });
	try {
		for (const [at, name] of names.entries()) {
			progress(`history ${historyBytes || 'as usual'}: ${name}`);
			const plan = JSON.stringify(kinds[name]?.plan);
			await insertSessions(service.d1, { from: at + 1, count: 1, owner: OWNER, plan });
			costs[historyBytes].push(await measure(service, at + 1, name));
			if (historyBytes === '0') continue;
			const row = await service.d1
				.prepare('SELECT count(*) AS versions, sum(bytes) AS bytes FROM versions WHERE session_id = ?')
				.bind(sessionId(at + 1))
				.first<{ versions: number; bytes: number }>();
			kept.push(`${row?.versions}, ${((row?.bytes ?? 0) / 1000).toFixed(0)} KB`);
		}
	} finally {
		await service.close();
	}
}
progress('');
const rows = names.map((name, at) => {
	const [without, with_] = [costs['0'][at], costs[''][at]];
	if (!without || !with_) throw new Error(name);
	return [
		name,
		without.p50Ms.toFixed(1),
		with_.p50Ms.toFixed(1),
		`${without.rowsRead} → ${with_.rowsRead}`,
		`${without.rowsWritten} → ${with_.rowsWritten}`,
		kept[at] ?? '',
	];
});
console.log(`# History

Made by \`npx node bench/experiments/history.ts\`. The middle of ${WRITES} writes to one session, one after the other, without history and
with it, and what is kept of them.

${markdownTable([['a write of', 'ms without', 'ms with', 'rows read', 'rows written', 'versions kept'], ...rows])}

- ${describe(machine())}`);
