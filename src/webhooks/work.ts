import type { Databases } from '../core/database.ts';

/** What one invocation works with, and how much it may do. */
export interface Work {
	databases: Databases;
	allowLoopback: boolean;
	/** The time, in epoch milliseconds. */
	clock: () => number;
	/** Requests that are left to it. */
	triesLeft: number;
	/** Requests that it has under way. */
	underWay: number;
	/** Endpoints to which it delivers. They share its connections. */
	endpoints: number;
	/** Whether there is time for another request. */
	hasTime: () => boolean;
	/** Whether there is also room for the statements of another round of so many endpoints. */
	hasRoomFor: (endpoints: number) => boolean;
	/** How long nobody else takes what it has taken, in milliseconds: longer than it works. */
	takenMs: number;
}
