import * as z from 'zod';

const path = z.string().max(255);

/** The response of `GET /`: links to the documentation. */
export const indexSchema = z
	.object({
		name: path,
		version: path,
		sessions: path,
		docs: path,
		inspector: path,
		mcp: path,
		openapi: path,
		llms: path,
		llmsFull: path,
		health: path,
	})
	.meta({ id: 'Index' });
export type Index = z.infer<typeof indexSchema>;

export const documentSchema = z
	.looseObject({ openapi: z.literal('3.1.1') })
	.meta({ description: 'An OpenAPI 3.1 document.' });
