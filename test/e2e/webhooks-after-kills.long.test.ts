import { it } from 'vitest';
import { expectMessagesToSurviveKills } from './webhooks-after-kills.ts';

it('every message of an acknowledged write arrives, with one id, when the server is killed three times', () =>
	expectMessagesToSurviveKills(3, 1000));

it(
	'every message of an acknowledged write arrives, with one id, when the server is killed five times',
	() => expectMessagesToSurviveKills(5, 1500),
	1_200_000,
);
