import { type Call, calls, nameOf } from './calls.ts';
import { type Contender, type ContenderName, contenderNames } from './contenders.ts';
import { load, type Sample } from './load.ts';
import { progress } from './progress.ts';
import { median, percentile, rounded } from './statistics.ts';

/** The duration of the measurement. */
export interface Effort {
	rounds: number;
	/** The time of one call against one contender in one round. */
	ms: number;
	startups: number;
}

/** The result of one call on one contender: medians of the rounds, and percentiles of all requests. */
export interface Figures {
	requestsPerSecond: number;
	p50Ms: number;
	p99Ms: number;
	processorMs: number | null;
}

/** One call at one number of connections, on all three contenders. */
export interface Measurement {
	call: Call;
	connections: number;
	figures: Record<ContenderName, Figures>;
	/** The service's requests per second divided by the floor's, in each round. */
	ratiosToFloor: number[];
}

export const HEADLINE_CONNECTIONS = 8;
const CONNECTIONS = [HEADLINE_CONNECTIONS, 1, 64];
/**
 * Measures all calls. The contenders take turns within each round, in another order each time, because other load on
 * the machine must affect all of them equally.
 */
export async function measure(
	contenders: Record<ContenderName, Contender>,
	effort: Effort,
): Promise<Measurement[]> {
	const measurements: Measurement[] = [];
	const total = calls.length * CONNECTIONS.length;
	for (const connections of CONNECTIONS) {
		for (const call of calls) {
			const at = `${measurements.length + 1}/${total} ${nameOf(call)}, ${connections} connections`;
			// workerd compiles frequently executed code, so it needs a warm-up.
			for (const name of contenderNames) await load(contenders[name], call, connections, effort.ms / 4);
			const samples: Record<ContenderName, Sample[]> = { service: [], floor: [], usual: [] };
			for (let round = 0; round < effort.rounds; round += 1) {
				progress(`${at}, round ${round + 1} of ${effort.rounds}`);
				for (let turn = 0; turn < contenderNames.length; turn += 1) {
					const name = contenderNames[(round + turn) % contenderNames.length] ?? 'service';
					samples[name].push(await load(contenders[name], call, connections, effort.ms));
				}
			}
			measurements.push({
				call,
				connections,
				figures: {
					service: figuresOf(samples.service),
					floor: figuresOf(samples.floor),
					usual: figuresOf(samples.usual),
				},
				ratiosToFloor: samples.service.map(
					({ requestsPerSecond }, round) =>
						requestsPerSecond / (samples.floor[round]?.requestsPerSecond ?? Number.NaN),
				),
			});
		}
	}
	return measurements;
}

function figuresOf(samples: readonly Sample[]): Figures {
	const latencies = samples.flatMap((sample) => sample.latencies);
	const processor = samples.flatMap(({ processorMs }) => (processorMs === null ? [] : [processorMs]));
	return {
		requestsPerSecond: rounded(median(samples.map(({ requestsPerSecond }) => requestsPerSecond))),
		p50Ms: rounded(percentile(latencies, 0.5)),
		p99Ms: rounded(percentile(latencies, 0.99)),
		processorMs: processor.length === 0 ? null : rounded(median(processor)),
	};
}
