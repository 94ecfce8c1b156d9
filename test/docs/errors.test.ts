import { describe, expect, it } from 'vitest';
import { errorStatus } from '../../src/core/errors.ts';
import { problemMeanings } from '../../src/core/problems.ts';

const [text = ''] = Object.values(
	import.meta.glob<string>('../../docs/errors.md', { query: '?raw', import: 'default', eager: true }),
);

/** The cells of each row of a section's table, without the marks of code. */
function rowsOf(heading: string): string[][] {
	const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
	const [, , ...rows] = section.split('\n').filter((line) => line.startsWith('| '));
	return rows
		.map((row) => row.slice(2, -2).split(' | '))
		.map(([code = '', ...cells]) => [code.replaceAll('`', ''), ...cells]);
}

describe('docs/errors.md', () => {
	it('has exactly the codes of errors, each with its status', () => {
		expect(rowsOf('Codes of errors').map(([code, status]) => [code, Number(status)])).toEqual(
			Object.entries(errorStatus),
		);
	});

	it('has exactly the codes of problems, each with its meaning', () => {
		expect(rowsOf('Codes of problems')).toEqual(Object.entries(problemMeanings));
	});
});
