import { useEffect } from 'preact/hooks';
import type { SessionStatus } from '../../client/client.ts';
import { membersOf } from '../json/text.ts';
import type { ExactObjects } from '../model/object-names.ts';
import { inOneLine } from '../visible.ts';

const MAX_TITLE = 120;

/** What people call a session: the title of its requirements, or the name of its product. */
export function titleIn({
	prd,
	productObject,
}: Pick<ExactObjects, 'prd' | 'productObject'>): string | undefined {
	for (const [object, name] of [
		[prd, 'title'],
		[productObject, 'name'],
		[prd, 'name'],
		[productObject, 'title'],
	] as const) {
		const text = object === 'null' ? undefined : membersOf(object).get(name);
		const value: unknown = text?.startsWith('"') ? JSON.parse(text) : undefined;
		if (typeof value === 'string' && value.trim() !== '') return inOneLine(value.trim().slice(0, MAX_TITLE));
	}
	return undefined;
}

const SIGNS: Partial<Record<SessionStatus, string>> = { failed: '✖ ', complete: '✔ ' };

/** Says in the title of the tab what is going on. */
export function usePageTitle(name: string, status: SessionStatus | undefined, hasFailure: boolean): void {
	useEffect(() => {
		const before = document.title;
		if (status) {
			const sign = SIGNS[status] ?? (hasFailure ? '▲ ' : '● ');
			document.title = `${sign}${status} · ${name}`;
		}
		return () => {
			document.title = before;
		};
	}, [name, status, hasFailure]);
}
