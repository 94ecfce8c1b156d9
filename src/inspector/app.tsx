import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { addressOf, type Link, sessionInAddress, showInAddress, takeLink } from './address.ts';
import { nameOf, ReplaceKey } from './replace-key.tsx';
import { SessionPage } from './session/session.tsx';
import { Sessions } from './sessions/sessions.tsx';
import { ChooseSession, SignIn } from './sign-in.tsx';
import { openedBy } from './take-link-from-address.ts';
import { type SignedIn, useSignIn } from './use-sign-in.ts';

export function App() {
	const [sessionId, setSessionId] = useState(openedBy === undefined ? sessionInAddress() : undefined);
	const show = useCallback((id: string | undefined) => {
		showInAddress(id);
		setSessionId(id);
	}, []);
	const { signedIn, isStarting, problem, tried, offer, signIn, take, accept, decline, signOut } =
		useSignIn(show);
	useAddress(sessionId, setSessionId, take);

	if (signedIn === undefined) {
		if (isStarting) return <p class="sign-in">Signing in…</p>;
		return <SignIn problem={problem} tried={tried} onKey={signIn} />;
	}
	return (
		<>
			<Signed key={signedIn.credential} {...signedIn} sessionId={sessionId} onSignOut={signOut} />
			{offer && <ReplaceKey used={signedIn} link={offer} onReplace={accept} onClose={decline} />}
		</>
	);
}

function Signed({
	credential,
	connect,
	access,
	notice: atFirst,
	sessionId,
	onSignOut,
}: SignedIn & { sessionId: string | undefined; onSignOut: () => void }) {
	const [notice, setNotice] = useState(atFirst);
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
				<p class="used">
					<code>{nameOf(credential)}</code>
					{access.owner !== undefined && ` of ${access.owner}`}
				</p>
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

/** Follows the address: another session is shown, a link is taken while its session waits for it. */
function useAddress(
	sessionId: string | undefined,
	onSession: (id: string | undefined) => void,
	onLink: (link: Link) => void,
): void {
	useEffect(() => {
		const read = () => {
			const link = takeLink();
			if (link === undefined) return onSession(sessionInAddress());
			showInAddress(sessionId);
			onLink(link);
		};
		window.addEventListener('hashchange', read);
		return () => window.removeEventListener('hashchange', read);
	}, [sessionId, onSession, onLink]);
}
