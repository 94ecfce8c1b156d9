import { it } from 'vitest';
import { expectManyExpiredToGo } from './many-expired.ts';

it('20,000 expired events behind a thousand sessions are gone after enough runs, with every live session whole', () =>
	expectManyExpiredToGo({ sessions: 1100, eventsEach: 20 }, 12));
