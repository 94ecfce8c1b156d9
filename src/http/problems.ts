import type { z } from 'zod';
import type { Problem, ProblemCode, Refusal } from '../core/problems.ts';
import { TOO_DEEP } from '../json/json-text.ts';

/** Turns the issues of Zod into the problems of a VALIDATION_ERROR: their codes, messages and suggestions. */

const EXPECTED: Partial<Record<string, string>> = {
	string: 'a string',
	number: 'a number',
	int: 'a whole number',
	object: 'an object',
	array: 'an array',
};

/** The message of an issue whose schema does not have its own. It never contains the value. */
export function messageOf(issue: z.core.$ZodRawIssue): string {
	if (issue.input === undefined) return 'is required';
	switch (issue.code) {
		case 'invalid_type':
			return `must be ${EXPECTED[issue.expected] ?? issue.expected}`;
		case 'invalid_value':
			return 'is not one of the allowed values';
		case 'too_small':
			return `must ${bound(issue.origin, 'at least', issue.minimum)}`;
		case 'too_big':
			return `must ${bound(issue.origin, 'at most', issue.maximum)}`;
		default:
			return 'does not have the form of this field';
	}
}

function bound(origin: string, words: 'at least' | 'at most', number: number | bigint): string {
	if (isNumber(origin)) return `be ${words} ${number}`;
	const unit = origin === 'string' ? 'character' : 'item';
	return `have ${words} ${number} ${unit}${Number(number) === 1 ? '' : 's'}`;
}

const isNumber = (origin: string): boolean => origin === 'number' || origin === 'int';

/** The problem that an issue stands for. The issue must have its input (`reportInput`). */
export function problemOf(issue: z.core.$ZodIssue): Problem {
	const own = issue.code === 'custom' ? (issue.params as Refusal['params'] | undefined) : undefined;
	const suggestion = own?.suggestion ?? suggestionOf(issue);
	return {
		path: issue.path.map(String).join('.'),
		message: issue.message,
		code: issue.input === TOO_DEEP ? 'TOO_DEEP' : (own?.code ?? codeOf(issue)),
		...(suggestion === undefined ? {} : { suggestion }),
	};
}

function codeOf(issue: z.core.$ZodIssue): ProblemCode {
	if (issue.input === undefined) return 'MISSING_REQUIRED_FIELD';
	switch (issue.code) {
		case 'invalid_type':
			return 'INVALID_TYPE';
		case 'invalid_value':
			return 'INVALID_ENUM';
		case 'too_small':
			return isNumber(issue.origin) ? 'OUT_OF_RANGE' : 'TOO_SHORT';
		case 'too_big':
			return isNumber(issue.origin) ? 'OUT_OF_RANGE' : 'TOO_LONG';
		default:
			return 'INVALID_FORMAT';
	}
}

const suggestionOf = (issue: z.core.$ZodIssue): string | undefined =>
	issue.code === 'invalid_value' ? `Use one of ${issue.values.map(String).join(', ')}.` : undefined;
