import { describe, it } from 'vitest';
import { expectWritesToSurviveKills } from './kill.ts';

describe('a server that is killed in the middle of writes', () => {
	it('has every acknowledged write, whole, when it comes back: 2 times', { timeout: 120_000 }, () =>
		expectWritesToSurviveKills(2),
	);
});
