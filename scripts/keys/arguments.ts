import { type Permission, permissions } from '../../src/core/principal.ts';
import { parseArguments } from '../arguments.ts';
import { choiceOptions } from '../database-choice.ts';
import { usageError } from '../failure.ts';

export const HELP = `npm run keys -- create --user U [--org O] [--name N] [--permissions P,…]
                      [--environment live|test] [--expires-in 90d]
npm run keys -- list
npm run keys -- revoke ID|CLERK_SESSION
npm run keys -- rotate ID [--grace 24h] [--expires-in 90d]

Each command takes --json, and either --local (the default; with --persist-to DIR as in wrangler) or --remote.
Permissions: ${permissions.join(', ')}. The default is PRODUCTS:*.
Durations: a number followed by s, m, h or d.
revoke ends a key, or every key that a session of Clerk (sess_…) has made. The keys for one session that a key has made end
with it.
rotate makes a new key for the same owner. The old key keeps working for --grace; by default it stops at once.`;

export const readArguments = () =>
	parseArguments(
		{
			allowPositionals: true,
			options: {
				user: { type: 'string' },
				org: { type: 'string' },
				name: { type: 'string' },
				permissions: { type: 'string' },
				environment: { type: 'string' },
				'expires-in': { type: 'string' },
				grace: { type: 'string' },
				json: { type: 'boolean' },
				...choiceOptions,
				help: { type: 'boolean' },
			},
		},
		HELP,
	);
export type Arguments = ReturnType<typeof readArguments>;
export type Options = Arguments['values'];

const ALWAYS = ['json', ...Object.keys(choiceOptions)];

/** Throws a Failure for every unknown argument, because ignoring one is dangerous when keys are created. */
export function checkArguments(
	name: string,
	takes: { takesId: boolean; options: readonly string[] },
	{ values, positionals }: Arguments,
): void {
	const foreign = Object.keys(values).find((option) => ![...takes.options, ...ALWAYS].includes(option));
	if (foreign) throw usageError(`${name} does not take --${foreign}.`);
	const word = positionals[takes.takesId ? 2 : 1];
	if (word !== undefined) throw usageError(`${name} does not take the argument "${word}".`);
	if (takes.takesId && !positionals[1]) {
		throw usageError(`${name} needs the ID of a key. List the keys with \`npm run keys -- list\`.`);
	}
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Returns the time after a duration such as `90d` from now. `option` is the name of the option with the duration. */
export function after(option: string, duration: string): string {
	const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(duration) ?? [];
	if (!number || !unit) {
		throw usageError(
			`--${option}: "${duration}" is not a duration. Use a number followed by s, m, h or d, for example 90d.`,
		);
	}
	return new Date(Date.now() + Number(number) * SECONDS[unit as keyof typeof SECONDS] * 1000).toISOString();
}

/** Returns when a new key expires, or undefined when --expires-in is not given. */
export function givenExpiry(values: Options): string | undefined {
	const duration = values['expires-in'];
	if (duration === undefined) return undefined;
	if (/^0+[smhd]$/.test(duration)) throw usageError(`--expires-in ${duration} makes a key that never works.`);
	return after('expires-in', duration);
}

/** Returns each permission once, in the order of the documentation. */
export function grantedPermissions(text: string): Permission[] {
	const names = text.split(',').map((name) => name.trim());
	const unknown = names.find((name) => !permissions.some((permission) => permission === name));
	if (unknown !== undefined) {
		throw usageError(`--permissions: "${unknown}" is not a permission. Use ${permissions.join(', ')}.`);
	}
	return permissions.filter((permission) => names.includes(permission));
}

/** Returns the text of an option, or null when the option is not given. */
export function nonEmpty(option: string, value: string | undefined): string | null {
	if (value === undefined) return null;
	if (value.trim() === '' || value.length > 255) {
		throw usageError(`--${option} takes 1 to 255 characters.`);
	}
	return value;
}
