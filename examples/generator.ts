/**
 * A generator that builds a product with the AI SDK. Every change of its state is a step, so it can be stopped at any moment and
 * continues where it was:
 *
 *   npm run example generator.ts             creates a session and builds
 *   npm run example generator.ts SESSION_ID  continues
 */
import { generateText, isStepCount, type LanguageModel, Output, tool } from 'ai';
import { z } from 'zod';
// In your project: from 'product-generation-sessions-client'.
import { type Client, createClient } from '../src/client/client.ts';
import { local } from './local.ts';
import { mockModel } from './mock-model.ts';

const MAX_TRIES = 3;

const planSchema = z.object({ modules: z.array(z.string()) });
/** What `assemblyState` holds for each module. */
const moduleSchema = z.object({ state: z.enum(['built', 'failed']), code: z.string().optional() });
const assemblySchema = z.record(z.string(), moduleSchema);

export interface Run {
	client: Client;
	model: LanguageModel;
	/** The session. */
	id: string;
}

/** Builds the product of a session, or the rest of it. Returns when its status is `complete` or `failed`. */
export async function generate(run: Run): Promise<void> {
	const { client, id } = run;
	const session = await client.get(id, { fields: ['prd', 'plan', 'assemblyState', 'status'] });
	if (session.status === 'complete') return;
	const plan = session.plan === null ? await makePlan(run, session.prd) : planSchema.parse(session.plan);
	const done = assemblySchema.parse(session.assemblyState ?? {});
	const open = plan.modules.filter((name) => done[name]?.state !== 'built');
	// Each module patches only its own member of assemblyState, so they can all write at once.
	const isBuilt = await Promise.all(open.map((name) => buildModule(run, name)));
	if (isBuilt.includes(false)) {
		await client.step(id, { events: [{ type: 'generation.failed' }], patch: { status: 'failed' } });
		return;
	}
	await assemble(run);
}

/** Makes the plan of a session. */
export async function makePlan(
	{ client, model, id }: Run,
	prd: unknown,
): Promise<z.infer<typeof planSchema>> {
	const { output: plan } = await generateText({
		model,
		output: Output.object({ schema: planSchema }),
		prompt: `Plan the modules of this product: ${JSON.stringify(prd)}`,
	});
	await client.step(id, {
		events: [{ type: 'plan.ready', stage: 'planning', payload: { modules: plan.modules.length } }],
		patch: { plan, status: 'generating' },
	});
	return plan;
}

/** Builds one module, in up to MAX_TRIES tries. Returns whether it was built. */
async function buildModule({ client, model, id }: Run, name: string): Promise<boolean> {
	const searchCatalog = tool({
		description: 'Finds parts that exist already.',
		inputSchema: z.object({ query: z.string() }),
		async execute(input) {
			const payload = { module: name, tool: 'searchCatalog', input };
			await client.append(id, { type: 'tool.called', stage: 'generating', payload });
			return { parts: [] };
		},
	});
	for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
		try {
			const { text: code } = await generateText({
				model,
				tools: { searchCatalog },
				stopWhen: isStepCount(5),
				// A failure is an event here, so the SDK must not try again without one.
				maxRetries: 0,
				prompt: `Build the module ${name}.`,
			});
			// The event and the state that it tells of are written together, or not at all.
			await client.step(id, {
				events: [{ type: 'module.built', stage: 'generating', payload: { module: name, attempt } }],
				patch: { assemblyState: { [name]: { state: 'built', code } } },
			});
			return true;
		} catch (error) {
			const message = error instanceof Error ? error.message : String(error);
			await client.step(id, {
				events: [{ type: 'module.failed', stage: 'generating', message, payload: { module: name, attempt } }],
				patch: { assemblyState: { [name]: { state: 'failed' } } },
			});
		}
	}
	return false;
}

/** Puts the modules together. They come from the session, because an earlier run may have built some of them. */
async function assemble({ client, id }: Run): Promise<void> {
	const assembling = { events: [{ type: 'assembly.started' }], patch: { status: 'assembling' as const } };
	const { session } = await client.step(id, assembling);
	const modules = Object.entries(assemblySchema.parse(session.assemblyState));
	const productObject = {
		files: Object.fromEntries(modules.map(([name, { code }]) => [`${name}.ts`, code])),
	};
	await client.step(id, {
		events: [{ type: 'product.ready', stage: 'assembling' }],
		patch: { productObject, status: 'complete' },
	});
}

if (import.meta.main) {
	const client = createClient(local());
	const id =
		process.argv[2] ??
		(await client.create({ prd: { title: 'Support assistant' } }, { idempotencyKey: crypto.randomUUID() }))
			.id;
	console.log(id);
	// Your model here, for example `anthropic('claude-sonnet-4-5')` of @ai-sdk/anthropic.
	await generate({ client, model: mockModel(), id });
	console.log((await client.get(id, { fields: ['status'] })).status);
}
