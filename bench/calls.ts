import { deletableId, planOf, sessionId, withEvents } from './seed.ts';

export const endpointNames = ['create', 'update', 'details', 'list', 'append', 'delete'] as const;
export type EndpointName = (typeof endpointNames)[number];

/** A measured kind of request. */
export interface Call {
	endpoint: EndpointName;
	/** Distinguishes it from other calls of the same endpoint. The first call of an endpoint is its headline. */
	variant: string;
	method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	/** The path of the nth request. */
	path: (n: number) => string;
	body: string | undefined;
}

const PATH = '/v1/products/generation/sessions';
/** The number of sessions that the calls on one session rotate through. */
const TURNS = 32;
const session = (from: number) => (n: number) => `${PATH}/${sessionId(from + (n % TURNS))}`;

const update = (variant: string, bytes: number, from: number): Call => ({
	endpoint: 'update',
	variant,
	method: 'PATCH',
	path: session(from),
	body: JSON.stringify({ plan: planOf(bytes) }),
});
const details = (variant: string, from: number): Call => ({
	endpoint: 'details',
	variant,
	method: 'GET',
	path: session(from),
	body: undefined,
});

export const calls: readonly Call[] = [
	{
		endpoint: 'create',
		variant: '',
		method: 'POST',
		path: () => PATH,
		body: JSON.stringify({ prd: { title: 'Support assistant', goals: ['Answer questions about orders'] } }),
	},
	update('1 KB plan', 1000, 1),
	update('200 KB plan', 200_000, 101),
	details('0 events', 201),
	details('100 events', withEvents.from),
	{
		endpoint: 'list',
		variant: '20 of 1,000',
		method: 'GET',
		path: () => `${PATH}?limit=20`,
		body: undefined,
	},
	{
		endpoint: 'append',
		variant: '',
		method: 'POST',
		path: (n) => `${session(401)(n)}/events`,
		body: JSON.stringify({ type: 'step.done', payload: { step: 'step-1', tokens: 1200 } }),
	},
	{
		endpoint: 'delete',
		variant: '',
		method: 'DELETE',
		path: (n) => `${PATH}/${deletableId(n)}`,
		body: undefined,
	},
];

export const nameOf = (call: Call): string =>
	call.variant ? `${call.endpoint}, ${call.variant}` : call.endpoint;
