import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../client/client.ts';
import { forgetAllKeys, forgetKey, keepKey, keptKey, onSignOutElsewhere } from '../pages/kept-key.ts';
import type { Link } from './address.ts';
import { keyForCode } from './code.ts';
import { type Clock, newClock } from './model/clock.ts';
import { type Access, accessOf, type Connect, connectWith, wordsFor } from './service.ts';
import { openedBy } from './take-link-from-address.ts';

/** A key that the service has accepted. */
export interface SignedIn {
	credential: string;
	connect: Connect;
	clock: Clock;
	access: Access;
	/** What is to be known about the way in which the page got the key. */
	notice: string;
}

export interface SignIn {
	signedIn: SignedIn | undefined;
	isStarting: boolean;
	problem: string | undefined;
	/** The key for another try, after the service could not be asked. */
	tried: string;
	/** A link whose key would replace the one in use. */
	offer: Link | undefined;
	signIn(key: string): Promise<void>;
	/** Signs in with a link, or offers it when another key is in use. */
	take(link: Link): void;
	/** Uses the link of the offer. */
	accept(): Promise<void>;
	decline(): void;
	/** Signs out every window. */
	signOut(): void;
}

/** One for all keys: they are of one service. */
const clock = newClock();

const KEY_IN_LINK =
	'The link carried an API key, and the browser’s history keeps the link. To share a session, make a key for it under Keys.';

/** The key that this tab uses. `show` is called with the session of a link when its key is in use. */
export function useSignIn(show: (sessionId: string | undefined) => void): SignIn {
	const [signedIn, setSignedIn] = useState<SignedIn>();
	const [isStarting, setStarting] = useState(true);
	const [problem, setProblem] = useState<string>();
	const [tried, setTried] = useState('');
	const [offer, setOffer] = useState<Link>();
	/** The one in use, also for what began before it. */
	const inUse = useRef<SignedIn>(undefined);

	const use = useCallback((next: SignedIn | undefined, why?: string) => {
		inUse.current = next;
		setSignedIn(next);
		setProblem(why);
		setOffer(undefined);
		setTried('');
	}, []);

	const signIn = useCallback(
		async (key: string, isOfLink = false) => {
			const connect: Connect = connectWith(key, clock, () => {
				if (inUse.current?.connect !== connect) return;
				forgetKey();
				use(undefined, 'The service refuses the key now: it was revoked or has expired.');
			});
			const access = await accessOf(connect());
			await keepKey(key);
			use({ credential: key, connect, clock, access, notice: isOfLink && access.list ? KEY_IN_LINK : '' });
		},
		[use],
	);

	const follow = useCallback(
		async ({ kind, secret, sessionId }: Link) => {
			if (kind === 'code') await signIn(await keyForCode(secret));
			else await signIn(secret, true);
			show(sessionId);
		},
		[signIn, show],
	);

	/** Signs in with nobody's help. What goes wrong is shown above the form. */
	const attempt = useCallback(async (action: () => Promise<void>, key: string) => {
		setStarting(true);
		try {
			await action();
		} catch (error) {
			setProblem(wordsFor(error));
			if (error instanceof ApiError && error.status === 401) forgetKey();
			else setTried(key);
		} finally {
			setStarting(false);
		}
	}, []);

	const take = useCallback(
		(link: Link) => {
			const used = inUse.current;
			if (used === undefined) {
				show(link.sessionId);
				void attempt(() => follow(link), link.kind === 'key' ? link.secret : '');
			} else if (link.kind === 'key' && link.secret === used.credential) show(link.sessionId);
			else setOffer(link);
		},
		[attempt, follow, show],
	);

	useEffect(() => {
		void (async () => {
			const kept = await keptKey();
			if (kept !== undefined) await attempt(() => signIn(kept), kept);
			if (openedBy !== undefined) take(openedBy);
			else setStarting(false);
		})();
	}, [attempt, signIn, take]);

	useEffect(
		() => onSignOutElsewhere(() => inUse.current && use(undefined, 'You signed out in another window.')),
		[use],
	);

	return {
		signedIn,
		isStarting,
		problem,
		tried,
		offer,
		signIn,
		take,
		accept: async () => offer && follow(offer),
		decline: () => setOffer(undefined),
		signOut() {
			forgetAllKeys();
			use(undefined);
		},
	};
}
