import type { ComponentChildren } from 'preact';
import type { SessionStatus } from '../../client/client.ts';
import { addressOf } from '../address.ts';
import { Badge, CopyButton } from '../components.tsx';
import type { Connection } from '../live/watch.ts';
import { isFinal } from '../model/verdict.ts';

const CONNECTIONS: Record<Connection, string> = {
	connecting: 'Connecting',
	live: 'Live',
	reconnecting: 'Reconnecting',
	ended: 'Ended',
};

/** Which session this is, its status, and whether the page is up to date. */
export function SessionHeading({
	id,
	title,
	status,
	connection,
	hasList,
	hasDetails,
	onDetails,
	children,
}: {
	id: string;
	title: string | undefined;
	status: SessionStatus | undefined;
	connection: Connection;
	hasList: boolean;
	hasDetails: boolean;
	onDetails: () => void;
	children: ComponentChildren;
}) {
	const isOver = status !== undefined && isFinal(status);
	return (
		<div class="session-head">
			{hasList && (
				<a class="back" href={addressOf(undefined)}>
					← Sessions
				</a>
			)}
			<div class="session-name">
				<h1 id="session-title" tabIndex={-1}>
					{title !== undefined && <bdi class="title">{title}</bdi>} <code>{id}</code>
				</h1>
				<CopyButton label="Copy the id" text={() => id} />
				{status && <Badge status={status} />}
				{status && (
					<button type="button" class="quiet" aria-expanded={hasDetails} onClick={onDetails}>
						Details
					</button>
				)}
				{/* Nothing lively is expected of a session that is complete or failed. */}
				<p class={`connection ${connection}${isOver ? ' over' : ''}`} role="status">
					{isOver && connection === 'live' ? 'Connected' : CONNECTIONS[connection]}
				</p>
			</div>
			{children}
		</div>
	);
}
