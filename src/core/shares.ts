/** A part of something limited that somebody has. */
export interface Share {
	/** When it ends by itself, in epoch milliseconds: the runtime can drop a request without running the rest of its code. */
	until: number;
	/** Makes it larger. */
	add(amount: number): void;
	giveUp(): void;
}

/** Counts in this isolate who has how much of something limited. */
export interface Shares {
	/** How much somebody has. `now` in epoch milliseconds. */
	of(name: string, now: number): number;
	/** Gives somebody a share. It does not look whether there is enough. */
	take(name: string, amount: number, until: number): Share;
}

/** The shares of somebody. */
interface Account {
	sum: number;
	shares: Set<Share>;
	/** When it is looked through next, in epoch milliseconds. */
	nextLookAt: number;
}

/** Somebody can have thousands of shares, so they are not looked through each time for those that have ended by themselves. */
const LOOK_EVERY_MS = 100;

export function newShares(): Shares {
	const accounts = new Map<string, Account>();
	return {
		of(name, now) {
			const account = accounts.get(name);
			if (!account) return 0;
			if (account.nextLookAt <= now) {
				for (const share of account.shares) if (share.until <= now) share.giveUp();
				account.nextLookAt = now + LOOK_EVERY_MS;
			}
			return account.sum;
		},
		take(name, amount, until) {
			const account = accounts.get(name) ?? { sum: 0, shares: new Set(), nextLookAt: 0 };
			accounts.set(name, account);
			let own = 0;
			const share: Share = {
				until,
				add(further) {
					own += further;
					if (account.shares.has(share)) account.sum += further;
				},
				giveUp() {
					if (!account.shares.delete(share)) return;
					account.sum -= own;
					if (account.shares.size === 0) accounts.delete(name);
				},
			};
			account.shares.add(share);
			share.add(amount);
			return share;
		},
	};
}
