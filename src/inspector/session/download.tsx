import { sessionFields } from '../../client/client.ts';
import { useAction } from '../components.tsx';
import { itemsOf, membersOf } from '../json/text.ts';
import type { Connect } from '../service.ts';

const PAGE = 500;

/** The events of a session as lines of JSON, exactly as they are stored. */
async function* linesOf(connect: Connect, id: string): AsyncGenerator<string> {
	let after: string | undefined;
	for (;;) {
		const { data, text } = await connect().events(id, { after, limit: PAGE }).withResponse();
		yield itemsOf(membersOf(text).get('data') ?? '[]')
			.map((item) => `${item}\n`)
			.join('');
		after = data.data.at(-1)?.id;
		if (!data.hasMore || after === undefined) return;
	}
}

function offer(parts: string[], type: string, name: string): void {
	const url = URL.createObjectURL(new Blob(parts, { type }));
	const link = document.createElement('a');
	link.href = url;
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Offers the session as JSON, and its events as NDJSON. */
export function Download({ connect, id }: { connect: Connect; id: string }) {
	const action = useAction();
	async function session(): Promise<void> {
		const { text } = await connect().get(id, { fields: sessionFields }).withResponse();
		offer([text], 'application/json', `${id}.json`);
	}
	async function events(): Promise<void> {
		const parts: string[] = [];
		for await (const lines of linesOf(connect, id)) parts.push(lines);
		offer(parts, 'application/x-ndjson', `${id}.events.ndjson`);
	}
	return (
		<>
			<select
				aria-label="Download"
				value=""
				disabled={action.isRunning}
				onChange={({ currentTarget }) => {
					const { value } = currentTarget;
					currentTarget.value = '';
					if (value !== '') action.run(value === 'events' ? events : session);
				}}
			>
				<option value="">{action.isRunning ? 'Downloading…' : 'Download…'}</option>
				<option value="session">Session as JSON</option>
				<option value="events">Events as NDJSON</option>
			</select>
			{action.problem && (
				<p class="problem" role="alert">
					{action.problem}
				</p>
			)}
		</>
	);
}
