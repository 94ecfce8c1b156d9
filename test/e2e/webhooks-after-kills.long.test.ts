import { it } from 'vitest';
import { expectMessagesToSurviveKills } from './webhooks-after-kills.ts';

it('every message of an acknowledged write arrives, with one id, when the server is killed three times', () =>
	expectMessagesToSurviveKills(3, 1000));

it(
	'every message of an acknowledged write arrives, with one id, when the server is killed ten times',
	() => expectMessagesToSurviveKills(10, 3000),
	1_200_000,
);
