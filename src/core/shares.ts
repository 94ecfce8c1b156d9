/** A part of something limited that somebody has. */
export interface Share {
	amount: number;
	/** When it ends by itself, in epoch milliseconds: the runtime can drop a request without running the rest of its code. */
	until: number;
	giveUp(): void;
}

/** Counts in this isolate who has how much of something limited. */
export interface Shares {
	/** How much somebody has. `now` in epoch milliseconds. */
	of(name: string, now: number): number;
	/** Gives somebody a share. It does not look whether there is enough. */
	take(name: string, amount: number, until: number): Share;
}

export function newShares(): Shares {
	const all = new Map<string, Set<Share>>();
	return {
		of(name, now) {
			let sum = 0;
			for (const share of all.get(name) ?? []) {
				if (share.until <= now) share.giveUp();
				else sum += share.amount;
			}
			return sum;
		},
		take(name, amount, until) {
			const share: Share = {
				amount,
				until,
				giveUp() {
					const others = all.get(name);
					others?.delete(share);
					if (others?.size === 0) all.delete(name);
				},
			};
			const others = all.get(name);
			if (others) others.add(share);
			else all.set(name, new Set([share]));
			return share;
		},
	};
}
