import { it } from 'vitest';
import { expectManyExpiredToGo } from './many-expired.ts';

it('deletes a million expired events of ten thousand sessions over several runs, and keeps every live session', () =>
	expectManyExpiredToGo({ sessions: 11_000, eventsEach: 100 }, 200));
