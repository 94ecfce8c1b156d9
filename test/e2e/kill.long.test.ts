import { describe, it } from 'vitest';
import { expectWritesToSurviveKills } from './kill.ts';

describe('a server that is killed in the middle of writes', () => {
	it('has every acknowledged write in full after its restart: 20 times', () =>
		expectWritesToSurviveKills(20));
});
