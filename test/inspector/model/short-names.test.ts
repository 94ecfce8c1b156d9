import { describe, expect, it } from 'vitest';
import { alikeIn, ownPartOf, partsOf } from '../../../src/inspector/model/short-names.ts';

describe('the names of stages', () => {
	it('begin alike up to the end of a word', () => {
		expect(alikeIn(['write:chapter-1', 'write:chapter-12', 'write:chapter-13'])).toBe(
			'write:chapter-'.length,
		);
		expect(alikeIn(['auth', 'author'])).toBe(0);
		expect(alikeIn(['auth'])).toBe(0);
		expect(alikeIn([])).toBe(0);
	});

	it('have two parts, of which the second tells how they differ', () => {
		const names = ['07', '14'].map((number) => `translate:chapter-${number}-of-the-handbook`);
		expect(names.map((name) => partsOf(name, alikeIn(names)))).toEqual([
			['translate:chapter-', '07-of-the-handbook'],
			['translate:chapter-', '14-of-the-handbook'],
		]);
		expect(partsOf('agent/root/coder/researcher', 0)).toEqual(['agent/root/coder', '/researcher']);
		expect(partsOf('page.GallerySection.31', 5)).toEqual(['page', '.GallerySection.31']);
		expect(partsOf('plan', 0)).toEqual(['', 'plan']);
		expect(partsOf('🚀', 0)).toEqual(['', '🚀']);
		expect(partsOf('', 0)).toEqual(['', '']);
	});

	it('are told by their own parts in a narrow column, where what they have in common is long', () => {
		expect(ownPartOf('translate:chapter-14', 18)).toBe('…14');
		expect(ownPartOf('build:auth', 6)).toBe('build:auth');
	});
});
