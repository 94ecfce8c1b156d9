import { describe, it } from 'vitest';
import { expectWritesToSurviveKills } from './kill.ts';

describe('a server that is killed in the middle of writes', () => {
	it('has every acknowledged write, whole, when it comes back: 20 times', { timeout: 600_000 }, () =>
		expectWritesToSurviveKills(20),
	);
});
