import { type Answer, type Caller, newCaller, SESSIONS } from './api.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const MERGE_TYPE = { 'Content-Type': 'application/merge-patch+json' };

/** Sends an object in one way, and returns the response. */
type Way = (caller: Caller, id: string, object: string) => Promise<Answer<Record<string, unknown>>>;

const patch =
	(field: string, headers: Record<string, string>): Way =>
	(caller, id, object) =>
		caller.call('PATCH', `${SESSIONS}/${id}`, { raw: `{"${field}":${object}}`, headers });

/** Every way to send an object. Merges go into an empty field. */
export const WAYS: Record<string, Way> = {
	create: (caller, _, object) =>
		caller.call('POST', SESSIONS, { raw: `{"prd":${object}}`, headers: JSON_TYPE }),
	replace: patch('plan', JSON_TYPE),
	'replace of a product object': patch('productObject', JSON_TYPE),
	merge: patch('plan', MERGE_TYPE),
	'merge of a product object': patch('productObject', MERGE_TYPE),
	append: (caller, id, object) =>
		caller.call('POST', `${SESSIONS}/${id}/events`, {
			raw: `{"type":"t","payload":${object}}`,
			headers: JSON_TYPE,
		}),
};

/** Sends an object, and returns every text that must contain it, each with the name of its place. */
export async function roundTrip(way: Way, object: string): Promise<[place: string, text: string][]> {
	const caller = await newCaller();
	const { id } = await caller.create();
	const answer = await way(caller, id, object);
	if (answer.status >= 300) throw new Error(`${answer.status}: ${answer.text}`);
	const read = async (path: string) => (await caller.call('GET', path)).text;
	const isEvent = 'payload' in answer.json;
	const details = `${SESSIONS}/${isEvent ? id : answer.json.id}`;
	return [
		['the answer', answer.text],
		['details', await read(details)],
		isEvent ? ['events', await read(`${details}/events`)] : ['the list', await read(SESSIONS)],
	];
}
