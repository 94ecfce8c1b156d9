import type { Version } from '../../client/client.ts';
import { momentOf } from '../time.ts';

/** Which version of an object is shown, and with which one it is compared. */
export interface Looking {
	/** The number of a version. Undefined is the present, as it changes. */
	version: number | undefined;
	/** The number of another version, or which one that is. */
	against: number | 'before' | 'now' | 'nothing';
}

/** How many of the newest versions the page offers for a comparison. The slider reaches all of them. */
const MAX_LISTED = 200;

/** Moves through the versions of an object, and says which one is shown. */
export function Slider({
	versions,
	looking: { version, against },
	onLook,
	now,
}: {
	/** Those in which the object changed, oldest first. */
	versions: readonly Version[];
	looking: Looking;
	onLook: (looking: Looking) => void;
	now: number;
}) {
	const last = versions.length - 1;
	const found = version === undefined ? last : versions.findLastIndex((each) => each.version <= version);
	const at = Math.max(0, found);
	const shown = versions[at];
	const move = (to: number) => {
		const next = versions[Math.min(last, Math.max(0, to))];
		onLook({ against, version: to >= last ? undefined : next?.version });
	};
	if (!shown || last === 0) return null;
	const isNow = version === undefined;
	const text = isNow ? 'now' : `version ${shown.version}, ${momentOf(Date.parse(shown.updatedAt), now)}`;
	return (
		<div class="slider">
			<button
				type="button"
				class="quiet"
				aria-label="Earlier version"
				disabled={at === 0}
				onClick={() => move(at - 1)}
			>
				◂
			</button>
			<input
				type="range"
				aria-label="Version"
				aria-valuetext={text}
				min={0}
				max={last}
				value={at}
				onInput={({ currentTarget }) => move(Number(currentTarget.value))}
			/>
			<button
				type="button"
				class="quiet"
				aria-label="Later version"
				disabled={isNow}
				onClick={() => move(at + 1)}
			>
				▸
			</button>
			<span class="shown-version">{text}</span>
			{!isNow && (
				<>
					<select
						aria-label="Compare with"
						value={against}
						onChange={({ currentTarget: { value } }) => {
							const other = Number(value);
							onLook({ version, against: other || (value as 'before' | 'now' | 'nothing') });
						}}
					>
						<option value="before">Changes since the version before</option>
						<option value="now">Changes until now</option>
						<option value="nothing">No comparison</option>
						{versions
							.filter((each) => each.version !== shown.version)
							.slice(-MAX_LISTED)
							.reverse()
							.map((each) => (
								<option key={each.version} value={each.version}>
									{`Version ${each.version}, ${momentOf(Date.parse(each.updatedAt), now)}`}
								</option>
							))}
					</select>
					<button type="button" onClick={() => onLook({ version: undefined, against })}>
						Back to now
					</button>
				</>
			)}
		</div>
	);
}
