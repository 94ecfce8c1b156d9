import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** An account whose databases are the files named `database-NAME` in a folder. One with content has an earlier schema. */
const SCRIPT = `#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> calls
case "$*" in "\${FAILING:-nothing}"*) echo 'wrangler says what went wrong' >&2; exit 1 ;; esac
case "$1 $2" in
'whoami --json') [ "\${LOGGED_IN:-true}" = true ] && echo '{"loggedIn":true}' || { echo '{"loggedIn":false}'; exit 1; } ;;
'd1 info')
	[ -e "database-$3" ] && echo "{\\"uuid\\":\\"id of $3\\"}" && exit
	echo "[ERROR] Couldn't find a D1 DB named '$3' (bound as '$3') in the API. Run 'wrangler d1 create $3' to create it." >&2
	exit 1 ;;
'queues info')
	[ -e "queue-$3" ] && exit
	echo "[ERROR] Queue \\"$3\\" does not exist. To create it, run: wrangler queues create $3" >&2
	exit 1 ;;
'queues create') touch "queue-$3" ;;
'd1 create') touch "database-$3" ;;
'd1 execute') [ -s "database-$3" ] && echo '[{"results":[{"1":1}]}]' || echo '[{"results":[]}]' ;;
'deploy ' | 'deploy --temporary') echo '{"type":"deploy","version_id":"1","targets":["https://sessions.example.workers.dev","schedule: */10 * * * *"]}' \\
	>> "$WRANGLER_OUTPUT_FILE_PATH" ;;
'dev --show-interactive-dev-session=false') echo '"{\\"event\\":\\"DEV_SERVER_READY\\",\\"ip\\":\\"localhost\\",\\"port\\":8999}"' >&"$NODE_CHANNEL_FD" ;;
esac
`;

/** An executable named `wrangler` that records its calls and simulates an account. */
export interface StandIn {
	/** An environment in which `wrangler` is the stand-in. Calls that start with `failing` fail. */
	env(failing?: string): Record<string, string>;
	/** Returns the calls since the last time this was called, without those that ask who is logged in. */
	calls(): string[];
}

/** Puts the stand-in into a folder. The account starts with these databases. */
export function standInWrangler(folder: string, databases: readonly string[] = []): StandIn {
	for (const name of databases) writeFileSync(join(folder, `database-${name}`), '');
	const file = join(folder, 'wrangler');
	writeFileSync(file, SCRIPT);
	chmodSync(file, 0o755);
	const record = join(folder, 'calls');
	return {
		env: (failing = 'nothing') => ({ PATH: `${folder}${delimiter}${process.env.PATH}`, FAILING: failing }),
		calls() {
			const lines = existsSync(record) ? readFileSync(record, 'utf8').trimEnd().split('\n') : [];
			rmSync(record, { force: true });
			return lines.filter((line) => line !== 'whoami --json');
		},
	};
}
