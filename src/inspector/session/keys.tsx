import { useRef, useState } from 'preact/hooks';
import { ApiError, type SessionKey } from '../../client/client.ts';
import { signedInAddress } from '../address.ts';
import { CopyButton, Dialog, Field, Problem, useAction } from '../components.tsx';
import type { Connect } from '../service.ts';
import { exactLengthOf } from '../time.ts';

const LIVES = [
	['1 hour', 3600],
	['5 minutes', 300],
	['8 hours', 28_800],
	['24 hours', 86_400],
] as const;

/** A key with the types of events that it may append. */
export interface MadeKey extends SessionKey {
	append: readonly string[];
}

/**
 * Makes and revokes keys for one session. The service does not list such keys, so the page knows those that it made since it
 * was loaded.
 */
export function Keys({
	connect,
	id,
	mayAppend,
	keys,
	now,
	onKeys,
	onClose,
}: {
	connect: Connect;
	id: string;
	/** Whether this page’s key may let another one append. */
	mayAppend: boolean;
	keys: readonly MadeKey[];
	now: number;
	onKeys: (keys: readonly MadeKey[]) => void;
	onClose: () => void;
}) {
	const [life, setLife] = useState<number>(LIVES[0][1]);
	const action = useAction();
	const maker = useRef<HTMLButtonElement>(null);
	const [types, setTypes] = useState('');
	async function make(): Promise<void> {
		const append = types.split(/[\s,]+/).filter((type) => type !== '');
		const key = await connect().createKey(id, {
			expiresInSeconds: life,
			...(append.length > 0 && { append }),
		});
		onKeys([{ ...key, append }, ...keys]);
	}
	async function revoke(keyId: string): Promise<void> {
		try {
			await connect().revokeKey(id, keyId);
		} catch (error) {
			// Somebody else revoked it, or it has expired and is gone.
			if (!(error instanceof ApiError && error.code === 'NOT_FOUND')) throw error;
		}
		onKeys(keys.filter((key) => key.id !== keyId));
		// The button that had the focus is gone.
		maker.current?.focus();
	}
	return (
		<Dialog title="Keys for this session" onClose={onClose}>
			<p class="hint">
				Such a key reads and follows this session. It can append events of the types that you list, and do
				nothing else. Give it to a page in a browser, or send somebody the link.
			</p>
			<form
				class="inline"
				onSubmit={(event) => {
					event.preventDefault();
					action.run(make);
				}}
			>
				<Field label="Valid for">
					{(fieldId) => (
						<select
							id={fieldId}
							onChange={({ currentTarget }) => setLife(LIVES[currentTarget.selectedIndex]?.[1] ?? life)}
						>
							{LIVES.map(([name]) => (
								<option key={name}>{name}</option>
							))}
						</select>
					)}
				</Field>
				{mayAppend && (
					<Field
						label="May append (optional)"
						hint="Types of events, separated by commas: input.approved, input.*"
					>
						{(fieldId) => (
							<input
								id={fieldId}
								class="wide"
								spellcheck={false}
								placeholder="input.*"
								value={types}
								onInput={({ currentTarget }) => setTypes(currentTarget.value)}
							/>
						)}
					</Field>
				)}
				<button ref={maker} type="submit" class="main" aria-disabled={action.isRunning}>
					Make a key
				</button>
			</form>
			<Problem text={action.problem} />
			<ul class="keys" aria-live="polite">
				{keys.map((key) => {
					const leftMs = Date.parse(key.expiresAt) - now;
					return (
						<li key={key.id}>
							<code>{key.key}</code>
							<p class="hint">
								{leftMs > 0 ? `works for ${exactLengthOf(leftMs)} more` : 'has expired'}; shown until this
								page is closed
								{key.append.length > 0 && (
									<>
										; may append <code>{key.append.join(', ')}</code>
									</>
								)}
							</p>
							<div class="buttons">
								<CopyButton label="Copy the key" text={() => key.key} />
								<CopyButton label="Copy a link" text={() => signedInAddress(key.key, id)} />
								<button
									type="button"
									class="quiet danger"
									aria-disabled={action.isRunning}
									onClick={() => action.run(() => revoke(key.id))}
								>
									Revoke
								</button>
							</div>
						</li>
					);
				})}
			</ul>
		</Dialog>
	);
}
