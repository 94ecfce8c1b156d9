import { useEffect, useRef, useState } from 'preact/hooks';
import { Field, Problem, useAction } from './components.tsx';

/** Asks for a key. `problem` says why the page asks again, and `tried` is the key when the service could not be asked. */
export function SignIn({
	problem,
	tried,
	onKey,
}: {
	problem: string | undefined;
	tried: string;
	onKey: (key: string) => Promise<void>;
}) {
	const [key, setKey] = useState(tried);
	const field = useRef<HTMLInputElement>(null);
	useEffect(() => field.current?.focus(), []);
	const [mistake, setMistake] = useState<string>();
	const action = useAction();
	return (
		<main class="sign-in">
			<h1>Inspector</h1>
			<p>See what a generator does, while it does it.</p>
			<form
				onSubmit={(event) => {
					event.preventDefault();
					// People copy the whole value of the header.
					const given = key.trim().replace(/^(?:authorization:\s*)?bearer\s+/i, '');
					const isKey = /^[\x21-\x7e]+$/.test(given);
					setMistake(isKey ? undefined : 'Enter a key: visible ASCII characters, without spaces.');
					if (isKey) action.run(() => onKey(given));
				}}
			>
				<Field
					label="API key, or a key for one session"
					hint="npm run keys makes API keys, and npm run dev prints a link that signs in. The key is kept for this tab, until you close the tab or sign out."
				>
					{(id) => (
						<input
							ref={field}
							id={id}
							type="password"
							autocomplete="off"
							spellcheck={false}
							placeholder="rt_…"
							value={key}
							onInput={({ currentTarget }) => setKey(currentTarget.value)}
						/>
					)}
				</Field>
				<Problem text={mistake ?? action.problem ?? problem} />
				<button type="submit" class="main" aria-disabled={action.isRunning}>
					{action.isRunning ? 'Checking…' : 'Sign in'}
				</button>
			</form>
		</main>
	);
}

/** Asks which session to show, for a key that may not list them. */
export function ChooseSession({ onId }: { onId: (id: string) => void }) {
	const [id, setId] = useState('');
	return (
		<form
			class="choose"
			onSubmit={(event) => {
				event.preventDefault();
				if (/^[\w-]+$/.test(id.trim())) onId(id.trim());
			}}
		>
			<h1>Which session?</h1>
			<p>This key cannot list sessions. A key for one session shows that session.</p>
			<Field label="The session’s id">
				{(field) => (
					<input
						id={field}
						spellcheck={false}
						placeholder="sess_…"
						value={id}
						onInput={({ currentTarget }) => setId(currentTarget.value)}
					/>
				)}
			</Field>
			<button type="submit" class="main">
				Show it
			</button>
		</form>
	);
}
