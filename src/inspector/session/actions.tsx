import type { SessionHead } from '../exact-json.ts';
import type { Access, Connect } from '../service.ts';
import { AppendEvent } from './append-event.tsx';
import { DeleteSession } from './delete-session.tsx';
import { Download } from './download.tsx';
import { Keys, type MadeKey } from './keys.tsx';
import { SetStatus } from './set-status.tsx';
import { ShortcutHelp } from './shortcuts.tsx';

export type Opened = 'append' | 'keys' | 'delete' | 'help' | undefined;

/** What one can do with a session. Of changes only what the key may do. */
export function SessionActions({
	connect,
	access,
	head,
	isOver,
	onOpen,
}: {
	connect: Connect;
	access: Access;
	head: SessionHead;
	isOver: boolean;
	onOpen: (what: Opened) => void;
}) {
	return (
		<div class="actions">
			{!isOver && (
				<>
					{access.write && <SetStatus connect={connect} session={head} />}
					{access.append && (
						<button type="button" onClick={() => onOpen('append')}>
							Append an event
						</button>
					)}
					{access.list && (
						<button type="button" onClick={() => onOpen('keys')}>
							Keys
						</button>
					)}
					<Download connect={connect} id={head.id} />
					{access.delete && (
						<button type="button" class="danger" onClick={() => onOpen('delete')}>
							Delete
						</button>
					)}
				</>
			)}
			<button
				type="button"
				class="quiet"
				aria-label="Keys of the keyboard"
				title="Keys of the keyboard (?)"
				onClick={() => onOpen('help')}
			>
				⌨
			</button>
		</div>
	);
}

/** The dialog that somebody has opened. */
export function ActionDialog({
	open,
	connect,
	access,
	id,
	count,
	now,
	keys,
	onKeys,
	onClose,
	onDeleted,
}: {
	open: Opened;
	connect: Connect;
	access: Access;
	id: string;
	count: number;
	now: number;
	keys: readonly MadeKey[];
	onKeys: (keys: readonly MadeKey[]) => void;
	onClose: () => void;
	onDeleted: () => void;
}) {
	switch (open) {
		case 'append':
			return <AppendEvent connect={connect} id={id} onClose={onClose} />;
		case 'keys':
			return (
				<Keys
					connect={connect}
					id={id}
					mayAppend={access.write}
					keys={keys}
					now={now}
					onKeys={onKeys}
					onClose={onClose}
				/>
			);
		case 'delete':
			return (
				<DeleteSession connect={connect} id={id} count={count} onClose={onClose} onDeleted={onDeleted} />
			);
		case 'help':
			return <ShortcutHelp onClose={onClose} />;
		default:
			return null;
	}
}
