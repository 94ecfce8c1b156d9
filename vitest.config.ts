import { availableParallelism, totalmem } from 'node:os';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type Reporter, type TestCase, type TestSpecification } from 'vitest/node';

/** What only tests change: no rate limit that a loaded test could meet. */
const forTests = async () => ({
	wrangler: { configPath: './wrangler.toml' },
	miniflare: {
		bindings: { MIGRATIONS: await readD1Migrations('./migrations') },
		// Beside DB, for tests of several databases: the service knows them as DB_1 to DB_4 where a test binds them.
		d1Databases: {
			FURTHER_1: 'further-1',
			FURTHER_2: 'further-2',
			FURTHER_3: 'further-3',
			FURTHER_4: 'further-4',
		},
		// A queue that nobody consumes: a test delivers itself, at the time that it chooses.
		queueProducers: { WEBHOOK_QUEUE: { queueName: 'nobody' } },
		// For tests that bind it as USAGE. It takes data points, and keeps none.
		analyticsEngineDatasets: { DATASET: { dataset: 'session_usage' } },
		ratelimits: {
			RATE_LIMITER: { namespace_id: '1', simple: { limit: 1_000_000, period: 60 as const } },
			SESSION_KEY_LIMITER: { namespace_id: '3', simple: { limit: 1_000_000, period: 60 as const } },
			GUESS_LIMITER: { namespace_id: '2', simple: { limit: 1_000_000, period: 60 as const } },
		},
	},
});

/** What a worker of vitest and the servers of its tests take at most, in bytes. */
const MEMORY_OF_WORKER = 1.3e9;
/** Further ones would wait for one another's servers to start. test/support/wrangler-dev.ts gives ports to so many. */
const MOST_WORKERS = 16;

/** Tests wait for servers and timers half of the time, so four files share two processors, if the machine has the memory. */
function workers(): number {
	// 0, or more than there is, outside of a container.
	const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
	const fitting = Math.max(1, Math.floor(memory / MEMORY_OF_WORKER));
	return Math.min(availableParallelism() * 2, fitting, MOST_WORKERS);
}

/** The tests that have begun and not ended. */
const running = new Set<TestCase>();

/**
 * The last line of a run counts its tests. A run that fails without a failed test counts as one. Before it are the tests that had
 * not ended when their worker died.
 */
const countTests: Reporter = {
	onTestCaseReady(test) {
		running.add(test);
	},
	onTestCaseResult(test) {
		running.delete(test);
	},
	onTestRunEnd(modules, errors, reason) {
		for (const { module, fullName } of running) console.log(`not ended: ${module.moduleId} > ${fullName}`);
		const results = modules.flatMap(({ children }) =>
			[...children.allTests()].map((test) => test.result().state),
		);
		const count = (state: string) => results.filter((each) => each === state).length;
		const isGreen = reason === 'passed' && errors.length === 0;
		console.log(`${count('passed')} passed, ${count('failed') || (isGreen ? 0 : 1)} failed`);
	},
};

/** The files from outside that take longest, the longest first. A file that starts late and takes long would end alone. */
const LONGEST = [
	'conformance',
	'dev',
	'clerk',
	'webhooks',
	'databases',
	'mcp-conformance',
	'follow',
	'live-state',
	'keys',
	'deploy',
	'restart',
	'kill',
	'wrangler-dev',
	'examples',
	'client-package',
	'streams',
].map((name) => `/test/e2e/${name}.test.ts`);

/** The files from outside begin: they take longest, and their size does not show it. Those inside follow, the largest first. */
class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]) {
		const place = ({ moduleId, project }: TestSpecification) => {
			const at = LONGEST.findIndex((end) => moduleId.endsWith(end));
			return at >= 0 ? at : LONGEST.length + (project.name === 'outside' ? 0 : 1);
		};
		return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
	}
}

/** `npm run test:long` runs the long forms of tests, `npm test` all others. */
const LONG = 'test/**/*.long.test.ts';
const isLong = process.env.LONG === 'true';
const tests = (folder: string) => `${folder}/**/*${isLong ? '.long' : ''}.test.ts`;
const others = isLong ? [] : [LONG];

export default defineConfig({
	test: {
		reporters: ['default', countTests],
		// The request log is part of the service, and noise here.
		onConsoleLog: () => false,
		// From scripts/fuzz.ts: how long to look, and from where.
		...(process.env.FUZZ ? { provide: { fuzz: JSON.parse(process.env.FUZZ) } } : {}),
		maxWorkers: workers(),
		// A worker runs one file after another: starting workerd, or loading wrangler, takes longer than most files.
		isolate: false,
		sequence: { sequencer: LongestFirst },
		restoreMocks: true,
		// A bound means that something hangs. A loaded machine is no failure of the service.
		testTimeout: isLong ? 1_800_000 : 300_000,
		hookTimeout: 300_000,
		expect: { poll: { timeout: 240_000 } },
		projects: [
			{
				extends: true,
				plugins: [cloudflareTest(forTests)],
				test: {
					name: 'inside',
					include: [tests('test')],
					exclude: ['test/e2e/**', 'test/browser/**', ...others],
					setupFiles: ['./test/support/new-database.ts'],
				},
			},
			{
				extends: true,
				test: { name: 'browser', include: ['test/browser/**/*.test.ts'] },
			},
			{
				extends: true,
				test: { name: 'outside', include: [tests('test/e2e')], exclude: others },
			},
		],
	},
});
