import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { Arrived } from './http-receiver.ts';

type Verifies = (secret: string, text: string, headers: Record<string, string>) => unknown;

// Neither client sends anything here.
const openai = new OpenAI({ apiKey: 'unused' });
const anthropic = new Anthropic({ apiKey: 'unused' });

/** Libraries of others that receivers verify with. Each throws, or rejects, when a message is not genuine. */
export const webhookLibraries: Record<string, Verifies> = {
	standardwebhooks: (secret, text, headers) => new StandardWebhook(secret).verify(text, headers),
	svix: (secret, text, headers) => new SvixWebhook(secret).verify(text, headers),
	openai: (secret, text, headers) => openai.webhooks.unwrap(text, headers, secret),
	'@anthropic-ai/sdk': (secret, text, headers) =>
		anthropic.beta.webhooks.unwrap(text, { headers, key: secret }),
};

/** Verifies a message with each of the libraries. Rejects when one of them does not accept it. */
export async function verifyWithAll(secret: string, { text, headers }: Pick<Arrived, 'text' | 'headers'>) {
	for (const verify of Object.values(webhookLibraries))
		await verify(secret, text, headers as Record<string, string>);
}
