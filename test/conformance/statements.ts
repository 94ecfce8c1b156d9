const [page = ''] = Object.values(
	import.meta.glob<string>('../../docs/conformance.md', { query: '?raw', import: 'default', eager: true }),
);

/** The statements under a heading of docs/conformance.md: the first cell of each row of its tables. */
export function statementsOf(heading: string): string[] {
	const [, section = ''] = page.split(`\n## ${heading}\n`);
	const [own = ''] = section.split('\n## ');
	return Array.from(own.matchAll(/^\| `([\w-]+\.[\w-]+)` \|/gm), ([, name = '']) => name);
}
