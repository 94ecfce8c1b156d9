import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { newCaller, ORIGIN, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { caughtUp, followSession, liveService } from '../support/follow.ts';
import { until } from '../support/until.ts';

describe('the usage', () => {
	type Point = Required<AnalyticsEngineDataPoint>;
	const datasetOf = () => {
		const points: Point[] = [];
		const dataset = {
			writeDataPoint: (point: Point) => points.push(point),
		} as unknown as AnalyticsEngineDataset;
		return { points, dataset };
	};

	it('is one data point for each request: caller, key, route, status and cost, and no content', async () => {
		const { points, dataset } = datasetOf();
		const caller = await newCaller({ organizationId: 'org_1', fetcher: serviceWith({ USAGE: dataset }) });
		const { id } = await caller.create({ prd: { secret: 'content' } });
		await caller.call('GET', `${SESSIONS}/${id.replace(/.$/, 'a')}?fields=id`);
		await serviceWith({ USAGE: dataset })(new Request(`${ORIGIN}${SESSIONS}`));
		expect(
			points.map(({ indexes, blobs, doubles }) => [indexes, blobs, doubles[0], doubles[2], doubles[6]]),
		).toEqual([
			[
				[caller.userId],
				[caller.userId, 'org_1', expect.stringMatching(/^key_/), 'POST', SESSIONS],
				201,
				2,
				expect.any(Number),
			],
			[
				[caller.userId],
				[caller.userId, 'org_1', expect.stringMatching(/^key_/), 'GET', `${SESSIONS}/:id`],
				404,
				1,
				0,
			],
			[[''], ['', '', '', 'GET', SESSIONS], 401, 0, 0],
		]);
		expect(JSON.stringify(points)).not.toMatch(/secret|content|sess_/);
	});

	it('is taken by the dataset of Miniflare', async () => {
		const warn = vi.spyOn(console, 'warn');
		const write = vi.spyOn(env.DATASET, 'writeDataPoint');
		await (await newCaller({ fetcher: serviceWith({ USAGE: env.DATASET }) })).create();
		expect(write.mock.results).toEqual([{ type: 'return', value: undefined }]);
		expect(warn).not.toHaveBeenCalled();
	});

	it('takes a user with a long id, and never fails a request', async () => {
		const { points, dataset } = datasetOf();
		const userId = '€'.repeat(100);
		await (await newCaller({ userId, fetcher: serviceWith({ USAGE: dataset }) })).create();
		expect(points[0]?.indexes).toEqual(['€'.repeat(32)]);
		const broken = {
			writeDataPoint: () => {
				throw new Error('no dataset');
			},
		} as unknown as AnalyticsEngineDataset;
		await (await newCaller({ fetcher: serviceWith({ USAGE: broken }) })).create();
	});

	it('of a followed session is written when its stream ends', async () => {
		const { points, dataset } = datasetOf();
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const stream = await caughtUp(
			await followSession(caller, id, { fetcher: liveService({ USAGE: dataset }) }),
		);
		expect(points).toEqual([]);
		await stream.leave();
		await until(() => expect(points.length).toBe(1));
		expect(points[0]?.doubles[2]).toBeGreaterThanOrEqual(2);
	});
});
