import { useEffect, useState } from 'preact/hooks';
import type { Connection } from '../service.ts';

/** Few people look at webhooks, so this arrives after the page. */
let loaded: typeof import('./page.tsx') | undefined;

/** The webhooks of the caller. `openId` is the one whose failures are shown, or ''. */
export function Webhooks(props: { connection: Connection; openId: string; hasList: boolean }) {
	const [part, setPart] = useState(loaded);
	useEffect(() => {
		void import('./page.tsx').then((arrived) => {
			loaded = arrived;
			setPart(arrived);
		});
	}, []);
	return part ? <part.WebhooksPage {...props} /> : <p class="hint">Loading…</p>;
}
