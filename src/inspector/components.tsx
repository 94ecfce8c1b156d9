import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { SessionStatus } from '../client/client.ts';
import { ownPartOf, partsOf } from './model/short-names.ts';
import { wordsFor } from './service.ts';
import { ago } from './time.ts';

/** A status. */
export const Badge = ({ status }: { status: SessionStatus }) => (
	<span class={`badge ${status}`}>{status}</span>
);

/** How long ago a time was, with the exact time on hover. */
export const Ago = ({ time, now }: { time: string; now: number }) => (
	<time dateTime={time} title={time}>
		{ago(time, now)}
	</time>
);

/** A name with its value, in a list of such facts. `title` is more of it, on hover. */
export const Fact = ({
	name,
	title,
	children,
}: {
	name: string;
	title?: string | undefined;
	children: ComponentChildren;
}) => (
	<div>
		<dt>{name}</dt>
		<dd title={title}>{children}</dd>
	</div>
);

/** A field of a form with its label. */
export function Field({
	label,
	hint,
	children,
}: {
	label: string;
	hint?: string;
	children: (id: string) => ComponentChildren;
}) {
	const id = useId();
	return (
		<div class="field">
			<label for={id}>{label}</label>
			{children(id)}
			{hint && <p class="hint">{hint}</p>}
		</div>
	);
}

/** A dialog that is open as long as it is rendered. Escape closes it, and the focus returns to where it was. */
export function Dialog({
	title,
	onClose,
	children,
}: {
	title: string;
	onClose: () => void;
	children: ComponentChildren;
}) {
	const id = useId();
	const dialog = useRef<HTMLDialogElement>(null);
	useEffect(() => dialog.current?.showModal(), []);
	return (
		<dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
			<div class="dialog-head">
				<h2 id={id}>{title}</h2>
				<button type="button" class="quiet" aria-label="Close" onClick={() => dialog.current?.close()}>
					✕
				</button>
			</div>
			{children}
		</dialog>
	);
}

/** Runs one action at a time, and keeps what went wrong. */
export function useAction(): {
	run: (action: () => Promise<unknown>) => void;
	isRunning: boolean;
	problem: string | undefined;
	clear: () => void;
} {
	const [isRunning, setRunning] = useState(false);
	const [problem, setProblem] = useState<string>();
	async function run(action: () => Promise<unknown>): Promise<void> {
		if (isRunning) return;
		setRunning(true);
		setProblem(undefined);
		try {
			await action();
		} catch (error) {
			setProblem(wordsFor(error));
		} finally {
			setRunning(false);
		}
	}
	// What could not be done without a connection can be done with one.
	useEffect(() => {
		const clear = () => setProblem(undefined);
		addEventListener('online', clear);
		return () => removeEventListener('online', clear);
	}, []);
	return { run: (action) => void run(action), isRunning, problem, clear: () => setProblem(undefined) };
}

export const Problem = ({ text }: { text: string | undefined }) => (
	<p class="problem" role="alert" hidden={text === undefined}>
		{text}
	</p>
);

/** Copies a text, and says so. Browsers offer the clipboard to pages that are served by HTTPS or from this machine. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
	const [said, setSaid] = useState<string>();
	useEffect(() => {
		if (said === undefined) return;
		const timer = setTimeout(() => setSaid(undefined), 2000);
		return () => clearTimeout(timer);
	}, [said]);
	const copy = async () => {
		try {
			await navigator.clipboard.writeText(text());
			setSaid('Copied');
		} catch {
			setSaid('Copying needs HTTPS or localhost');
		}
	};
	return (
		<button type="button" class="quiet" onClick={copy}>
			<span aria-live="polite">{said ?? label}</span>
		</button>
	);
}

/**
 * A name, of a stage for example. Where there is no room, it loses what it has in common with the others, and then its middle. In a narrow
 * column it is always without what they have in common.
 */
export function ShortName({
	name,
	alike = '',
	isNarrow = false,
	kind,
}: {
	name: string;
	alike?: string;
	isNarrow?: boolean;
	kind: 'stage' | 'long';
}) {
	const own = ownPartOf(name, alike);
	const common = isNarrow || own === name ? '' : alike;
	const [head, tail] = partsOf(common === '' ? own : name.slice(alike.length));
	return (
		<bdi class={`name ${kind}`} title={name}>
			{common !== '' && <span class="common">{common}</span>}
			<span>{head}</span>
			<span class="tail">{tail}</span>
		</bdi>
	);
}
