import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The bits of a mode that let somebody other than the owner in. */
const OTHERS = 0o077;

/** From now on, this process and those that it starts create files and folders that only their owner can read. */
export const createForOwnerOnly = (): void => {
	process.umask(OTHERS);
};

/**
 * Takes the permissions of everybody else from a file, or from a folder with all that is in it. Nothing happens to what does
 * not exist, or no longer, and to what a symbolic link names.
 */
export function keepForOwner(path: string): void {
	try {
		const found = lstatSync(path);
		if (found.isSymbolicLink()) return;
		if ((found.mode & OTHERS) !== 0) chmodSync(path, found.mode & 0o777 & ~OTHERS);
		if (!found.isDirectory()) return;
		for (const name of readdirSync(path)) keepForOwner(join(path, name));
	} catch (error) {
		// Another command that runs removes its temporary files.
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
	}
}
