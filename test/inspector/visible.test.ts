import { expect, it } from 'vitest';
import { inOneLine, visible } from '../../src/inspector/visible.ts';

it('shows characters that would reorder others or cannot be seen', () => {
	expect(visible('a\u202eb\u200bc\u0007')).toBe('a⟨U+202E⟩b⟨U+200B⟩c⟨U+0007⟩');
	expect(visible('Größe שלום 😀\tx\ny')).toBe('Größe שלום 😀\tx\ny');
});

it('puts several lines into one', () => {
	expect(inOneLine('one\n  two\r\nthree')).toBe('one ⏎ two ⏎ three');
});
