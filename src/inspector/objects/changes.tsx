import { type Change, valueAt } from '../json/patch.ts';
import { visible } from '../visible.ts';

const MAX_LISTED = 8;
const MAX_VALUE = 80;

const short = (json: string | undefined): string => {
	if (json === undefined) return 'nothing';
	return visible(json.length > MAX_VALUE ? `${json.slice(0, MAX_VALUE)}…` : json);
};

/** The members that somebody has changed, each with its values. `theirs` adds what is stored now. */
export function Changes({ changes, theirs }: { changes: readonly Change[]; theirs?: string }) {
	const rest = changes.length - MAX_LISTED;
	return (
		<div class="changes">
			<p>{changes.length === 1 ? '1 change' : `${changes.length.toLocaleString('en')} changes`}</p>
			<ul>
				{changes.slice(0, MAX_LISTED).map(({ path, before, after }) => (
					<li key={JSON.stringify(path)}>
						<code>{visible(path.join('.')) || 'the whole object'}</code> <del>{short(before)}</del>
						<span class="hidden"> becomes </span> <span aria-hidden="true">→</span> <ins>{short(after)}</ins>
						{theirs !== undefined && <span class="theirs"> stored now: {short(valueAt(theirs, path))}</span>}
					</li>
				))}
			</ul>
			{rest > 0 && <p class="hint">and {rest.toLocaleString('en')} more</p>}
		</div>
	);
}
