import { expect, it } from 'vitest';

/** The folders of src, from the top layer down. A file imports only from its own folder and from those below it. */
const ROOMS = [
	'index',
	'app',
	'docs',
	'health',
	'mcp',
	'session-routes',
	'cleanup',
	'steps',
	'sessions',
	'history',
	'events',
	'webhooks',
	'following',
	'session-keys',
	'auth',
	'http',
	'json',
	'database',
	'core',
];
/** Users import these folders. Within src they import only types. */
const FOR_USERS = ['inspector', 'client'];
/** What the pages for people share in the browser. */
const FOR_PAGES = ['pages'];
/** The files that import Hono. In other folders only routes do. */
const KNOWS_HONO =
	/^\.\.\/src\/((app|health|session-routes)\.ts|(docs|auth|http)\/.*|[\w-]+\/([\w-]+-)?routes\.ts|following\/response\.ts|mcp\/rest\.ts)$/;
/** The database and HTTP folders do not import each other. */
const STRANGERS = new Set(['http database', 'database http']);

const files = import.meta.glob<string>('../src/**/*.{ts,tsx}', {
	query: '?raw',
	import: 'default',
	eager: true,
});
const [contributing = ''] = Object.values(
	import.meta.glob<string>('../CONTRIBUTING.md', { query: '?raw', import: 'default', eager: true }),
);
const IMPORT = /^(?:import|export)\s(type\s)?[^;]*?from '([^']+)'/gm;

const roomOf = (path: string): string => /^\.\.\/src\/([\w-]+)/.exec(path)?.[1] ?? '';
const imports = Object.entries(files).flatMap(([file, text]) =>
	Array.from(text.matchAll(IMPORT), ([, type, source = '']) => ({
		file,
		isType: type !== undefined,
		source,
		room: roomOf(file),
		target: source.startsWith('.')
			? roomOf(new URL(source, `file:///x/${file}`).pathname.replace('/src', '../src'))
			: undefined,
	})),
);
const named = ({ file, source }: { file: string; source: string }) => `${file} imports ${source}`;

it('finds the imports of every folder', () => {
	const found = new Set(imports.map(({ room }) => room));
	expect([...found].filter((room) => ![...ROOMS, ...FOR_USERS, ...FOR_PAGES].includes(room))).toEqual([]);
	expect(found.size).toBeGreaterThan(8);
	expect(imports.length).toBeGreaterThan(150);
});

it('imports only from folders further down', () => {
	const upward = imports.filter(({ room, target }) => {
		if (target === undefined || FOR_USERS.includes(room)) return false;
		if (FOR_PAGES.includes(room)) return target !== room;
		return !ROOMS.includes(target) || ROOMS.indexOf(target) < ROOMS.indexOf(room);
	});
	expect(upward.map(named)).toEqual([]);
});

it('lets the client import only types from other folders, and of packages only the parser of streams, and in the entry for webhooks what verifies them', () => {
	const ofClient = imports.filter(({ room }) => room === 'client');
	const foreign = ofClient.filter(
		({ target, isType }) => target !== undefined && target !== 'client' && !isType,
	);
	expect(foreign.map(named)).toEqual([]);
	const packages = ofClient.filter(({ target }) => target === undefined).map(({ source }) => source);
	expect(packages.sort()).toEqual(['eventsource-parser', 'standardwebhooks']);
	const withVerifier = ofClient.filter(({ source }) => source === 'standardwebhooks');
	expect(withVerifier.map(({ file }) => file)).toEqual(['../src/client/webhooks.ts']);
});

/** The inspector applies the service's own merges to exact texts. This folder knows neither HTTP nor a database. */
const PURE = ['json'];

it('lets the inspector import only the client, JSON in its stored form, what pages share, and its own packages', () => {
	const ofInspector = imports.filter(({ room }) => room === 'inspector');
	expect(ofInspector.length).toBeGreaterThan(30);
	const foreign = ofInspector.filter(({ target, source }) =>
		target === undefined
			? !/^(preact|@codemirror)\b/.test(source)
			: ![...FOR_USERS, ...PURE, ...FOR_PAGES].includes(target),
	);
	expect(foreign.map(named)).toEqual([]);
});

it('keeps database and HTTP apart', () => {
	const joined = imports.filter(({ room, target }) => STRANGERS.has(`${room} ${target}`));
	expect(joined.map(named)).toEqual([]);
});

it('makes the documentation from what routes declare, without knowing any of them', () => {
	const known = imports.filter(({ room, target }) => room === 'docs' && target !== undefined);
	expect(known.filter(({ target = '' }) => !['docs', 'http', 'core'].includes(target)).map(named)).toEqual(
		[],
	);
});

it('keeps Hono in routes and in the folders of HTTP', () => {
	const known = imports.filter(
		({ file, source }) =>
			/^hono\b/.test(source) && !KNOWS_HONO.test(file) && !FOR_USERS.includes(roomOf(file)),
	);
	expect(known.map(named)).toEqual([]);
});

it('keeps SQL in files that end in store.ts', () => {
	const MAY = /(store|core\/sql)\.ts$/;
	const withSql = Object.entries(files).filter(([, text]) => /\bsql`\s*[\w$(]|\braw\(/.test(text));
	expect(withSql.length).toBeGreaterThan(10);
	expect(withSql.map(([file]) => file).filter((file) => !MAY.test(file))).toEqual([]);
});

// `raw` inserts text that is not bound, so each use must be a constant of the code.
it('inserts only constants and names of columns into SQL as they are', () => {
	const CONSTANT =
		/^(raw\)|[A-Z_]+\)|'[^']*'\)|[\d_]+\)|column\)|change\.column\)|columnOf\[field\]\)|Math\.floor\(BYTES_A_TRIP)/;
	const uses = Object.entries(files).flatMap(([file, text]) =>
		file.endsWith('core/sql.ts')
			? []
			: Array.from(text.matchAll(/\braw\(([^\n]{0,40})/g), ([, argument = '']) => `${file}: ${argument}`),
	);
	expect(uses.length).toBeGreaterThan(10);
	expect(uses.filter((use) => !CONSTANT.test(use.split(': ')[1] ?? ''))).toEqual([]);
});

it('has the functions that CONTRIBUTING names as those which decide a rule', () => {
	const index = contributing.slice(contributing.indexOf('## Which file decides'));
	const named = Array.from(index.matchAll(/`(\w+)`(?: and `(\w+)`)? in `([\w/-]+\.ts)`/g));
	const missing = named.flatMap(([, first, second, path]) =>
		[first, second].filter(
			(name) => name && !new RegExp(`\\b${name}\\b *[=(<:]`).test(files[`../src/${path}`] ?? ''),
		),
	);
	expect(named.length).toBeGreaterThan(12);
	expect(missing).toEqual([]);
});
