import { it } from 'vitest';
import { expectManyExpiredToGo } from './many-expired.ts';

it('deletes 20,000 expired events of a thousand sessions over several runs, and keeps every live session', () =>
	expectManyExpiredToGo({ sessions: 1100, eventsEach: 20 }, 20));
