import * as z from 'zod';

/** Every code of a problem in the details of a VALIDATION_ERROR, with its meaning. docs/errors.md lists the same. */
export const problemMeanings = {
	MISSING_REQUIRED_FIELD: 'The field is required, and the request does not have it.',
	INVALID_TYPE:
		'The value has another type than the field, such as text where a number is expected, or `null`.',
	INVALID_ENUM: 'The value is not one of the allowed ones.',
	INVALID_FORMAT: 'The text does not have the form of the field, such as that of an id.',
	INVALID_CHARACTERS:
		'The text contains a character that the field does not accept: U+0000, a lone surrogate, or a control character.',
	TOO_SHORT: 'The text has too few characters, or the list too few items.',
	TOO_LONG: 'The text has too many characters, or the list too many items.',
	TOO_DEEP: 'The object nests too many levels.',
	OUT_OF_RANGE: 'The number is too small or too large.',
	CONFLICTING_FIELDS: 'The field cannot be combined with another one of the request.',
	UNKNOWN_EVENT: 'The session has no event with this id.',
	REFUSED_ADDRESS: 'The service sends nothing to this address, such as one of a private network.',
} as const;
export type ProblemCode = keyof typeof problemMeanings;

/** Limits of a problem, because a large invalid request must not cause a large response. */
const MAX_PATH = 255;
const MAX_SENTENCE = 1000;

export const problemSchema = z.object({
	path: z
		.string()
		.max(MAX_PATH)
		.meta({ description: 'Where, in dotted form; empty for the whole.', example: 'status' }),
	message: z.string().max(MAX_SENTENCE).meta({ description: 'A sentence for people, without its subject.' }),
	code: z.enum(Object.keys(problemMeanings) as [ProblemCode, ...ProblemCode[]]).meta({
		id: 'ProblemCode',
		description: `Stable; for programs.\n\n${Object.entries(problemMeanings)
			.map(([code, meaning]) => `- \`${code}\`: ${meaning}`)
			.join('\n')}`,
	}),
	suggestion: z
		.string()
		.max(MAX_SENTENCE)
		.optional()
		.meta({ description: 'A sentence for people: what to send instead.' }),
});
export type Problem = z.infer<typeof problemSchema>;

/** The same problem within the limits of a response. */
export const shortened = (problem: Problem): Problem => ({
	...problem,
	path: problem.path.slice(0, MAX_PATH),
	message: problem.message.slice(0, MAX_SENTENCE),
	...(problem.suggestion === undefined ? {} : { suggestion: problem.suggestion.slice(0, MAX_SENTENCE) }),
});

/** What a schema's own check reports: the options of `refine` and `z.custom`. */
export interface Refusal {
	/** The message of the problem. */
	error: string;
	params: { code: ProblemCode; suggestion?: string };
}

/**
 * The options of a schema's own check.
 *
 * @example z.string().refine(isWellFormed, refusal('INVALID_CHARACTERS', 'must not contain U+0000'))
 */
export const refusal = (code: ProblemCode, message: string, suggestion?: string): Refusal => ({
	error: message,
	params: suggestion === undefined ? { code } : { code, suggestion },
});
