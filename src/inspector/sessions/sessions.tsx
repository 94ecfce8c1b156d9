import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type SessionStatus, sessionStatuses } from '../../client/client.ts';
import { addressOf } from '../address.ts';
import { useNow } from '../observable.ts';
import type { Connection } from '../service.ts';
import type { ListedSession } from './read.ts';
import { SessionRow } from './row.tsx';
import { knownTitle } from './use-facts.ts';
import { useList } from './use-list.ts';

const SESSION_ID = /^sess_\w+$/;

/** The list of sessions, newest first. `shownId` is the session that is shown beside it. */
export function Sessions({
	connection: { connect, clock },
	shownId,
	children,
}: {
	connection: Connection;
	shownId: string | undefined;
	/** What is beside the list. */
	children: ComponentChildren;
}) {
	const [status, setStatus] = useState<SessionStatus>();
	const [sought, setSought] = useState('');
	const [pages, setPages] = useState(1);
	const { list, problem } = useList(connect, status, pages);
	const now = useNow(clock, 1000);
	const wanted = sought.trim();
	const isFound = ({ id }: ListedSession) =>
		id.includes(wanted) || knownTitle(id)?.toLowerCase().includes(wanted.toLowerCase());
	const found = list?.sessions.filter(isFound) ?? [];
	const titles = found.flatMap(({ id }) => knownTitle(id) ?? []);
	/** The titles that several sessions have, such as a session and its fork. */
	const shared = new Set(titles.filter((title, at) => titles.indexOf(title) !== at));

	return (
		<nav
			class="side"
			aria-labelledby="sessions-title"
			onClickCapture={openBeside}
			onAuxClickCapture={openBeside}
		>
			<div class="sessions">
				<h2 id="sessions-title">
					Sessions {list && <span class="count">{list.total.toLocaleString('en')}</span>}
				</h2>
				<form
					class="filters"
					onSubmit={(event) => {
						event.preventDefault();
						const id = SESSION_ID.test(wanted) ? wanted : found[0]?.id;
						if (id !== undefined) location.hash = addressOf(id);
					}}
				>
					<input
						type="search"
						aria-label="Find a session by its title or id"
						placeholder="Title or sess_…"
						value={sought}
						onInput={({ currentTarget }) => setSought(currentTarget.value)}
					/>
					<select
						aria-label="Filter by status"
						value={status ?? ''}
						onChange={({ currentTarget }) => {
							setPages(1);
							setStatus(sessionStatuses.find((name) => name === currentTarget.value));
						}}
					>
						<option value="">Any status</option>
						{sessionStatuses.map((name) => (
							<option key={name}>{name}</option>
						))}
					</select>
				</form>
				<p class="problem" role="alert" hidden={problem === undefined}>
					{problem}
				</p>
				{list === undefined && problem === undefined && <p class="hint">Reading…</p>}
				{list !== undefined && found.length === 0 && (
					<p class="hint">
						{wanted === ''
							? 'No session yet. New ones appear here by themselves.'
							: `Not among the ${list.sessions.length.toLocaleString('en')} newest. Paste a whole id and press Enter.`}
					</p>
				)}
				<ul>
					{found.map((session) => (
						<SessionRow
							key={session.id}
							connect={connect}
							session={session}
							isShown={session.id === shownId}
							isNews={list?.changed.has(session.id) ?? false}
							isTwin={shared.has(knownTitle(session.id) ?? '')}
							now={now}
						/>
					))}
				</ul>
				{list !== undefined && list.sessions.length < list.total && (
					<button type="button" onClick={() => setPages(pages + 1)}>
						Load more
					</button>
				)}
			</div>
			{children}
		</nav>
	);
}

/** Opens a link in a tab that has the key of this one, as a browser copies it only to a window that the page itself opens. */
function openBeside(event: MouseEvent): void {
	const link = (event.target as Element).closest('a');
	if (!link || !(event.ctrlKey || event.metaKey || event.shiftKey || event.button === 1)) return;
	event.preventDefault();
	open(link.href);
}
