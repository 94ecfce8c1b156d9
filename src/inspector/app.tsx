import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { ApiError } from '../client/client.ts';
import { addressOf, forgetKey, keepKey, keptKey, sessionInAddress, takeKeyFromAddress } from './address.ts';
import { type Access, accessOf, type Connect, connectWith, wordsFor } from './service.ts';
import { SessionPage } from './session/session.tsx';
import { Sessions } from './sessions/sessions.tsx';
import { ChooseSession, SignIn } from './sign-in.tsx';

interface SignedIn {
	connect: Connect;
	access: Access;
}

export function App() {
	const [key, setKey] = useState(keptKey);
	const [signedIn, setSignedIn] = useState<SignedIn>();
	const [problem, setProblem] = useState<string>();
	const sessionId = useSessionInAddress(setKey);

	const signOut = useCallback((why?: string) => {
		forgetKey();
		setKey(undefined);
		setSignedIn(undefined);
		setProblem(why);
	}, []);

	const signIn = useCallback(
		async (candidate: string) => {
			let isKnown = false;
			const connect = connectWith(candidate, () => {
				if (isKnown) signOut('The service refuses the key now: it was revoked or has expired.');
			});
			const access = await accessOf(connect());
			isKnown = true;
			keepKey(candidate);
			setProblem(undefined);
			setSignedIn({ connect, access });
		},
		[signOut],
	);

	useEffect(() => {
		if (key === undefined) return;
		setSignedIn(undefined);
		signIn(key).catch((error) => {
			if (error instanceof ApiError && error.status === 401) forgetKey();
			setProblem(wordsFor(error));
			setKey(undefined);
		});
	}, [key, signIn]);

	if (signedIn === undefined) {
		if (key !== undefined) return <p class="sign-in">Signing in…</p>;
		return <SignIn problem={problem} onKey={signIn} />;
	}
	return <Signed {...signedIn} sessionId={sessionId} onSignOut={() => signOut()} />;
}

function Signed({
	connect,
	access,
	sessionId,
	onSignOut,
}: SignedIn & { sessionId: string | undefined; onSignOut: () => void }) {
	const [notice, setNotice] = useState('');
	const show = (id: string | undefined) => {
		location.hash = addressOf(id);
	};
	// A session of its own for each id: nothing of the one before stays.
	const session = useMemo(
		() =>
			sessionId === undefined ? null : (
				<SessionPage
					key={sessionId}
					connect={connect}
					access={access}
					id={sessionId}
					onDeleted={() => {
						setNotice(`${sessionId} was deleted.`);
						show(undefined);
					}}
				/>
			),
		[connect, access, sessionId],
	);
	return (
		<>
			<header class="top">
				<a href={addressOf(undefined)} class="home">
					Inspector
				</a>
				<p role="status">{notice}</p>
				<a href="/docs">Reference</a>
				<button type="button" class="quiet" onClick={onSignOut}>
					Sign out
				</button>
			</header>
			<div class={`panes ${sessionId === undefined ? 'none-shown' : 'one-shown'}`}>
				{access.list && <Sessions connect={connect} shownId={sessionId} />}
				<main>
					{session ??
						(access.list ? (
							<div class="welcome">
								<h1>Choose a session</h1>
								<p class="hint">What happens in it appears here as it happens.</p>
							</div>
						) : (
							<ChooseSession onId={show} />
						))}
				</main>
			</div>
		</>
	);
}

/** The session that the address names. A link with a key that is opened in this tab signs in with it. */
function useSessionInAddress(onKey: (key: string | undefined) => void): string | undefined {
	const [id, setId] = useState(sessionInAddress);
	useEffect(() => {
		const read = () => {
			if (takeKeyFromAddress()) onKey(keptKey());
			setId(sessionInAddress());
		};
		window.addEventListener('hashchange', read);
		return () => window.removeEventListener('hashchange', read);
	}, [onKey]);
	return id;
}
