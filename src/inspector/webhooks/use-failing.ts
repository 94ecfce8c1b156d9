import { useState } from 'preact/hooks';
import { ApiError } from '../../client/client.ts';
import { webhooksOf } from '../../client/webhooks.ts';
import { useRepeated } from '../repeated.ts';
import type { Connect } from '../service.ts';

/** A look makes one call more than there are webhooks, of which a caller has at most ten. */
const LOOK_MS = 60_000;

/** How many of the caller's webhooks the service has disabled, or have messages that did not arrive. Nothing is asked without a permission. */
export function useFailing(connect: Connect, isAllowed: boolean): number {
	const [count, setCount] = useState(0);
	useRepeated(
		async (signal) => {
			if (!isAllowed) return;
			const once = { signal, maxRetries: 0 };
			try {
				const webhooks = webhooksOf(connect());
				const { data } = await webhooks.list(once);
				const failing = await Promise.all(
					data.map(async ({ id, disabled }) =>
						disabled
							? disabled.code !== 'REQUESTED'
							: (await webhooks.deliveries(id, { ...once, limit: 1 })).data.length > 0,
					),
				);
				setCount(failing.filter(Boolean).length);
			} catch (error) {
				// The next look may succeed. What is wrong with the connection is said elsewhere.
				if (!signal.aborted && !(error instanceof ApiError)) throw error;
			}
		},
		() => LOOK_MS,
		[connect, isAllowed],
	);
	return count;
}
