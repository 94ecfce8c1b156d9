import type { ExactSession } from '../exact-json.ts';
import type { ObjectName } from '../model/object-names.ts';

/** A text that somebody has written and not saved. */
export interface Draft {
	/** The session as it was when they began. */
	base: ExactSession;
	/** What they began with, and what they have written. */
	first: string;
	text: string;
}

/**
 * The texts that are not saved. They are kept while the page is open, whatever session it shows and whether it is signed in or
 * not. The browser asks before it closes or reloads the page.
 */
const drafts = new Map<string, Draft>();
const keyOf = (sessionId: string, name: string): string => `${sessionId} ${name}`;
const isChanged = ({ first, text }: Draft): boolean => first !== text;

export const draftOf = (sessionId: string, name: ObjectName): Draft | undefined =>
	drafts.get(keyOf(sessionId, name));

export const keepDraft = (name: ObjectName, draft: Draft): void => {
	drafts.set(keyOf(draft.base.id, name), draft);
};

export const dropDraft = (sessionId: string, name: ObjectName): void => {
	drafts.delete(keyOf(sessionId, name));
};

/** Whether something is written in a session, or anywhere, and not saved. */
export function hasUnsaved(sessionId?: string): boolean {
	const isOf = (key: string) => sessionId === undefined || key.split(' ').includes(sessionId);
	const isDraft = Array.from(drafts).some(([key, draft]) => isOf(key) && isChanged(draft));
	return isDraft || Array.from(fields.keys()).some(isOf);
}

export const dropAllDrafts = (): void => {
	drafts.clear();
	fields.clear();
};

/** What was written in forms that somebody has closed, by the name of the form. */
const fields = new Map<string, unknown>();
export const fieldsOf = <T>(form: string): T | undefined => fields.get(form) as T | undefined;
export const keepFields = (form: string, value: unknown): void => {
	if (value === undefined) fields.delete(form);
	else fields.set(form, value);
};

addEventListener('beforeunload', (event) => {
	if (hasUnsaved()) event.preventDefault();
});
