import { useRef } from 'preact/hooks';
import { addressOf } from '../address.ts';
import { Ago, Badge } from '../components.tsx';
import { hasUnsaved } from '../objects/drafts.ts';
import type { Connect } from '../service.ts';
import type { ListedSession } from './read.ts';
import { useFacts } from './use-facts.ts';

/** A session in the list. */
export function SessionRow({
	connect,
	session,
	isShown,
	isNews,
	isTwin,
	now,
}: {
	connect: Connect;
	session: ListedSession;
	isShown: boolean;
	/** Whether it is new or has changed since the list was shown first. */
	isNews: boolean;
	/** Whether another session in the list has the same title. */
	isTwin: boolean;
	now: number;
}) {
	const row = useRef<HTMLLIElement>(null);
	const hasChanged = session.updatedAt !== session.createdAt;
	const { title, lastEventAt } = useFacts(connect, session, row);
	return (
		<li ref={row}>
			<a
				href={addressOf(session.id)}
				aria-current={isShown ? 'page' : undefined}
				class={isNews ? 'row news' : 'row'}
			>
				{/* Another key makes the highlight begin anew. */}
				<span key={session.updatedAt} class="flash" />
				{title !== undefined && <bdi class="title">{title}</bdi>}
				<span class="id">{session.id}</span>
				<span class="row-facts">
					<Badge status={session.status} />
					{(isTwin || (lastEventAt === undefined && !hasChanged)) && (
						<span>
							created <Ago time={session.createdAt} now={now} />
						</span>
					)}
					{lastEventAt === undefined && hasChanged && (
						<span title={`Created ${session.createdAt}`}>
							changed <Ago time={session.updatedAt} now={now} />
						</span>
					)}
					{lastEventAt !== undefined && (
						<span title={`Created ${session.createdAt}, changed ${session.updatedAt}`}>
							last event <Ago time={lastEventAt} now={now} />
						</span>
					)}
					{hasUnsaved(session.id) && <span>✎ not saved</span>}
				</span>
			</a>
		</li>
	);
}
