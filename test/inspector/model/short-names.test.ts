import { describe, expect, it } from 'vitest';
import { alikeIn, ownPartOf, partsOf } from '../../../src/inspector/model/short-names.ts';

describe('the names of stages', () => {
	it('begin alike up to the end of a word', () => {
		expect(alikeIn(['write:chapter-1', 'write:chapter-12', 'write:chapter-13'])).toBe('write:chapter-');
		expect(alikeIn(['auth', 'author'])).toBe('');
		expect(alikeIn(['auth'])).toBe('');
		expect(alikeIn([])).toBe('');
	});

	it('have two parts, of which the second is the last word', () => {
		expect(partsOf('agent/root/coder/researcher')).toEqual(['agent/root/coder', '/researcher']);
		expect(partsOf('…GallerySection.31')).toEqual(['…GallerySection', '.31']);
		expect(partsOf('scene 2 (retry 1)')).toEqual(['scene 2 (retry', ' 1)']);
		expect(partsOf('com.acme.build.completed.v1')).toEqual(['com.acme.build', '.completed.v1']);
		expect(partsOf('plan')).toEqual(['', 'plan']);
		expect(partsOf('🚀')).toEqual(['', '🚀']);
		expect(partsOf('')).toEqual(['', '']);
	});

	it('are told by their own parts in a narrow column, where what they have in common is long', () => {
		expect(ownPartOf('translate:chapter-billing', 'translate:chapter-')).toBe('…billing');
		expect(ownPartOf('translate:chapter-14', 'translate:chapter-')).toBe('…chapter-14');
		// Not every name is one of those.
		expect(ownPartOf('no stage', 'translate:chapter-')).toBe('no stage');
		expect(ownPartOf('build:auth', 'build:')).toBe('build:auth');
	});
});
