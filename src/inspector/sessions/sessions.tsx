import { useState } from 'preact/hooks';
import { type SessionStatus, sessionStatuses } from '../../client/client.ts';
import { addressOf } from '../address.ts';
import { Ago, Badge } from '../components.tsx';
import { useNow } from '../observable.ts';
import type { Connect } from '../service.ts';
import type { ListedSession } from './read.ts';
import { useList } from './use-list.ts';

const SESSION_ID = /^sess_\w+$/;

/** The list of sessions, newest first. `shownId` is the session that is shown beside it. */
export function Sessions({ connect, shownId }: { connect: Connect; shownId: string | undefined }) {
	const [status, setStatus] = useState<SessionStatus>();
	const [sought, setSought] = useState('');
	const [pages, setPages] = useState(1);
	const { list, problem } = useList(connect, status, pages);
	const now = useNow(1000);
	const wanted = sought.trim();
	const found = list?.sessions.filter(({ id }) => id.includes(wanted)) ?? [];
	const changed = (session: ListedSession) => list?.changed.has(session.id) ?? false;

	return (
		<nav class="sessions" aria-labelledby="sessions-title">
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
					aria-label="Find a session by its id"
					placeholder="sess_…"
					value={sought}
					onInput={({ currentTarget }) => setSought(currentTarget.value)}
				/>
				<select
					aria-label="Show the status"
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
				{problem} The list is read again by itself.
			</p>
			{list === undefined && problem === undefined && <p class="hint">Reading…</p>}
			{list !== undefined && found.length === 0 && (
				<p class="hint">
					{wanted === ''
						? 'No session yet. New ones appear here by themselves.'
						: 'No match. Press Enter to open this id.'}
				</p>
			)}
			<ul>
				{found.map((session) => (
					<li key={session.id}>
						<a
							href={addressOf(session.id)}
							aria-current={session.id === shownId ? 'page' : undefined}
							class={changed(session) ? 'row news' : 'row'}
						>
							{/* Another key makes the highlight begin anew. */}
							<span key={session.updatedAt} class="flash" />
							<span class="id">{session.id}</span>
							<span class="row-facts">
								<Badge status={session.status} />
								<span>
									changed <Ago time={session.updatedAt} now={now} />
								</span>
								<span>
									made <Ago time={session.createdAt} now={now} />
								</span>
							</span>
						</a>
					</li>
				))}
			</ul>
			{list !== undefined && list.sessions.length < list.total && (
				<button type="button" onClick={() => setPages(pages + 1)}>
					Load more
				</button>
			)}
		</nav>
	);
}
