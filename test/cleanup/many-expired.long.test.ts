import { it } from 'vitest';
import { expectManyExpiredToGo } from './many-expired.ts';

it(
	'a million expired events behind ten thousand sessions are gone after enough runs, with every live session whole',
	{
		timeout: 300_000,
	},
	() => expectManyExpiredToGo({ sessions: 11_000, eventsEach: 100 }, 200),
);
