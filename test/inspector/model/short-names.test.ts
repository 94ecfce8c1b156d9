import { describe, expect, it } from 'vitest';
import { alikeIn, ownPartOf, shortened } from '../../../src/inspector/model/short-names.ts';

describe('the names of stages', () => {
	it('begin alike up to the end of a word', () => {
		expect(alikeIn(['write:chapter-1', 'write:chapter-12', 'write:chapter-13'])).toBe(
			'write:chapter-'.length,
		);
		expect(alikeIn(['auth', 'author'])).toBe(0);
		expect(alikeIn(['auth'])).toBe(0);
		expect(alikeIn([])).toBe(0);
	});

	it('differ when they are shortened, although they begin and end alike', () => {
		const names = ['07', '14', '15'].map((number) => `translate:chapter-${number}-of-the-very-long-handbook`);
		const short = names.map((name) => shortened(name, 26, alikeIn(names)));
		expect(short).toEqual([
			'transl…07-of-the-very-lon…',
			'transl…14-of-the-very-lon…',
			'transl…15-of-the-very-lon…',
		]);
	});

	it('are told by their own parts in a narrow column, where what they have in common is long', () => {
		expect(ownPartOf('translate:chapter-14', 18)).toBe('…14');
		expect(ownPartOf('build:auth', 6)).toBe('build:auth');
	});

	it('are as they are where they fit, and lose their middle where they begin differently', () => {
		expect(shortened('build:auth', 10, 6)).toBe('build:auth');
		expect(shortened('build:authentication', 10, 0)).toBe('bui…cation');
		expect(shortened('build:modules/first', 12, 14)).toBe('bui…es/first');
	});
});
