import * as z from 'zod';
import { optionalNumberQuery, timestamp, wholeNumberQuery } from '../core/fields.ts';

const MAX_IN_PAGE = 100;
/** The number of a version: how many changes a session has had, and one. */
export const versionSchema = z.int().min(1).meta({ format: 'int64' });

/** A query parameter that names a version. */
export const versionQuery = (description: string) =>
	optionalNumberQuery(1, Number.MAX_SAFE_INTEGER, description);

export const versionsQuerySchema = z.object({
	before: versionQuery('A version. The page has those before it.'),
	limit: wholeNumberQuery(1, MAX_IN_PAGE, 20, 'The maximum number of versions on the page.'),
});

/** A page of versions, as the fields and the statuses of a session make it. */
export const versionPageSchema = (status: z.ZodType<string>, fields: readonly string[]) =>
	z
		.object({
			data: z
				.array(
					z
						.object({
							afterEvent: z.string().max(34).nullable().meta({
								description:
									'The id of the latest event when the version began. Null when the session had none, or when the change was made while no history was kept.',
							}),
							changed: z.array(z.enum(fields)).max(fields.length).meta({
								description:
									'The fields that the change set or merged. Empty for the first version, and when the change was made while no history was kept.',
							}),
							etag: z.string().max(18).meta({ description: 'For `If-Match` of a write.', example: '"7"' }),
							status,
							updatedAt: timestamp,
							version: versionSchema,
						})
						.meta({ id: 'Version' }),
				)
				.max(MAX_IN_PAGE),
			hasMore: z.boolean().meta({ description: 'Whether earlier versions are kept.' }),
		})
		.meta({ id: 'VersionPage' });
export type VersionPage = z.infer<ReturnType<typeof versionPageSchema>>;
