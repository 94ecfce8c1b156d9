import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Event, SessionKey } from '../../client/client.ts';
import { addressOf } from '../address.ts';
import { Ago, Badge, CopyButton, Fact } from '../components.tsx';
import { useNow, useStore } from '../observable.ts';
import { type Access, type Connect, ownerOf } from '../service.ts';
import { exactLengthOf } from '../time.ts';
import { AppendEvent } from './append-event.tsx';
import { DeleteSession } from './delete-session.tsx';
import { EventDetail } from './event-detail.tsx';
import { EventList } from './events.tsx';
import { Keys } from './keys.tsx';
import { Objects } from './objects.tsx';
import { SetStatus } from './set-status.tsx';
import { TimelineView } from './timeline.tsx';
import { type Connection, watchSession } from './watch.ts';

const CONNECTIONS: Record<Connection, string> = {
	connecting: 'Connecting',
	reading: 'Reading the events',
	live: 'Live',
	reconnecting: 'Reconnecting',
	ended: 'Ended',
};
/** After these nothing more is expected, so the time since the last event means nothing. */
const FINAL = new Set(['complete', 'failed']);

/** One session, as it happens. */
export function SessionPage({
	connect,
	access,
	id,
	onDeleted,
}: {
	connect: Connect;
	access: Access;
	id: string;
	onDeleted: () => void;
}) {
	const watch = useMemo(() => watchSession(connect, id), [connect, id]);
	useEffect(() => watch.stop, [watch]);
	const { connection, events, count, state, session, changed, problem } = useStore(watch);
	const now = useNow(1000);
	const [selected, setSelected] = useState<Event>();
	const [open, setOpen] = useState<'append' | 'keys' | 'delete'>();
	const [keys, setKeys] = useState<readonly SessionKey[]>([]);
	const current = state ?? session;
	const firstUpdate = useRef<string>(undefined);
	firstUpdate.current ??= current?.updatedAt;
	const isOver = connection === 'ended';
	const close = () => setOpen(undefined);

	return (
		<article class="session" aria-labelledby="session-title">
			<div class="session-head">
				{access.list && (
					<a class="back" href={addressOf(undefined)}>
						← Sessions
					</a>
				)}
				<h1 id="session-title" class="mono">
					{id}
				</h1>
				<CopyButton label="Copy the id" text={() => id} />
				{current && (
					<Badge
						key={current.updatedAt}
						status={current.status}
						isNews={current.updatedAt !== firstUpdate.current}
					/>
				)}
				<p class={`connection ${connection}`} role="status">
					{CONNECTIONS[connection]}
				</p>
			</div>
			{problem !== undefined && (
				<p class="problem" role="alert">
					{problem}
				</p>
			)}
			{current && session && (
				<>
					<dl class="facts">
						<Fact name="Owner">{ownerOf(session)}</Fact>
						<Fact name="Life left" title={current.expiresAt}>
							{lifeLeft(current.expiresAt, now)}
						</Fact>
						<Fact name="ETag">
							<code>{current === state ? state.etag : session.etag}</code>
						</Fact>
						<Fact name="Made">
							<Ago time={session.createdAt} now={now} />
						</Fact>
						<Fact name="Changed">
							<Ago time={current.updatedAt} now={now} />
						</Fact>
						<Fact name="Catalog">{session.catalogVersion ?? 'none'}</Fact>
						<Fact name="Schema">{session.schemaVersion ?? 'none'}</Fact>
						<Fact name="Hash" title={session.productObjectHash ?? undefined}>
							<code>{session.productObjectHash?.slice(0, 12) ?? 'none'}</code>
						</Fact>
					</dl>
					{!isOver && (
						<div class="actions">
							{access.write && (
								<SetStatus
									connect={connect}
									session={session}
									status={current.status}
									onWritten={watch.refresh}
								/>
							)}
							{access.write && (
								<button type="button" onClick={() => setOpen('append')}>
									Append an event
								</button>
							)}
							{access.list && (
								<button type="button" onClick={() => setOpen('keys')}>
									Keys
								</button>
							)}
							{access.delete && (
								<button type="button" class="danger" onClick={() => setOpen('delete')}>
									Delete
								</button>
							)}
						</div>
					)}
					<TimelineView
						events={events}
						count={count}
						now={now}
						isRunning={!isOver && !FINAL.has(current.status)}
						selected={selected}
						onSelect={setSelected}
					/>
					<div class="columns">
						<div class="column">
							<EventList
								events={events}
								count={count}
								isRunning={connection === 'live'}
								selected={selected}
								onSelect={setSelected}
							/>
							{selected && (
								<EventDetail
									connect={connect}
									event={selected}
									previousId={events[events.indexOf(selected) - 1]?.id}
									onClose={() => setSelected(undefined)}
								/>
							)}
						</div>
						<Objects
							connect={connect}
							session={session}
							changed={changed}
							now={now}
							mayWrite={access.write && !isOver}
							onWritten={watch.refresh}
						/>
					</div>
				</>
			)}
			{open === 'append' && <AppendEvent connect={connect} id={id} onClose={close} />}
			{open === 'keys' && (
				<Keys connect={connect} id={id} keys={keys} now={now} onKeys={setKeys} onClose={close} />
			)}
			{open === 'delete' && (
				<DeleteSession connect={connect} id={id} count={count} onClose={close} onDeleted={onDeleted} />
			)}
		</article>
	);
}

function lifeLeft(expiresAt: string, now: number): string {
	const leftMs = Date.parse(expiresAt) - now;
	return leftMs > 0 ? exactLengthOf(leftMs) : 'none';
}
