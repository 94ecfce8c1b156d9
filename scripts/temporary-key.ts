import { issueKey } from '../src/auth/issue-key.ts';
import type { Database } from '../src/core/database.ts';
import type { Sql } from '../src/core/sql.ts';
import { wrangler } from './wrangler.ts';

/**
 * Makes a key in the temporary account of wrangler, and returns what to tell its user. `npm run keys -- --remote` needs a login.
 */
export async function firstKey(): Promise<string> {
	const { key } = await issueKey(throughCommands, {
		userId: 'user_trial',
		organizationId: null,
		name: 'npm run deploy -- --temporary',
		permissions: ['*'],
		environment: 'test',
		expiresAt: null,
	});
	return `This key works there:\n  ${key}\n\nTo keep the account, open the claim URL above within an hour. Then run \`npx wrangler login\`.`;
}

/** Runs statements with `wrangler d1 execute`, which has no bound parameters. All values here are made by issueKey. */
const throughCommands = {
	async run(statements: readonly Sql[]) {
		for (const statement of statements) {
			const command = statement.strings.reduce(
				(text, part, at) => `${text}${literal(statement.values[at - 1])}${part}`,
			);
			wrangler('d1', 'execute', 'DB', '--remote', '--temporary', '--command', command);
		}
		return [];
	},
} as unknown as Database;

const literal = (value: unknown): string =>
	value === null ? 'NULL' : `'${String(value).replaceAll("'", "''")}'`;
