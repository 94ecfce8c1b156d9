import { errorFields, log } from '../core/log.ts';

/** One request, for Workers Analytics Engine. It has no content. */
interface Usage {
	userId: string | null;
	organizationId: string | null;
	keyId: string | null;
	method: string;
	/** The pattern of the route. */
	route: string;
	status: number;
	durationMs: number;
	d1Trips: number;
	d1Ms: number;
	d1RowsRead: number;
	d1RowsWritten: number;
	/** Of the body, and of what was read from D1. */
	bytes: number;
}

/** The most bytes of an index, and of all blobs are 96 and 16,384: https://developers.cloudflare.com/analytics/analytics-engine/limits/ */
const MAX_INDEX_BYTES = 96;

/** The beginning of a text that has at most as many bytes in UTF-8. */
const cut = (text: string, bytes: number): string =>
	text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read);

/** Writes a data point if there is a dataset. docs/quotas.md has the meaning of each column. A failure never fails a request. */
export function writeUsage(dataset: AnalyticsEngineDataset | undefined, usage: Usage): void {
	if (!dataset) return;
	try {
		dataset.writeDataPoint({
			indexes: [cut(usage.userId ?? '', MAX_INDEX_BYTES)],
			blobs: [usage.userId ?? '', usage.organizationId ?? '', usage.keyId ?? '', usage.method, usage.route],
			doubles: [
				usage.status,
				usage.durationMs,
				usage.d1Trips,
				usage.d1Ms,
				usage.d1RowsRead,
				usage.d1RowsWritten,
				usage.bytes,
			],
		});
	} catch (error) {
		log('warn', { message: 'usage not written', ...errorFields(error) });
	}
}
