import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import {
	addressOf,
	addressOfWebhooks,
	type Link,
	type Place,
	placeInAddress,
	showInAddress,
	takeLink,
} from './address.ts';
import { Dialog } from './components.tsx';
import { Divider, useSize } from './layout/divider.tsx';
import { dropAllDrafts, hasUnsaved } from './objects/drafts.ts';
import { nameOf, ReplaceKey } from './replace-key.tsx';
import { SessionPage } from './session/session.tsx';
import { Sessions } from './sessions/sessions.tsx';
import { ChooseSession, SignIn } from './sign-in.tsx';
import { openedBy } from './take-link-from-address.ts';
import { type SignedIn, useSignIn } from './use-sign-in.ts';
import { visible } from './visible.ts';
import { WebhooksPage } from './webhooks/page.tsx';
import { useFailing } from './webhooks/use-failing.ts';

export function App() {
	const [place, setPlace] = useState<Place>(openedBy === undefined ? placeInAddress() : {});
	const show = useCallback((sessionId: string | undefined) => {
		showInAddress({ sessionId });
		setPlace({ sessionId });
	}, []);
	const { signedIn, isStarting, problem, tried, offer, signIn, take, accept, decline, signOut } =
		useSignIn(show);
	useAddress(place, setPlace, take);

	if (signedIn === undefined) {
		if (isStarting) return <p class="sign-in">Signing in…</p>;
		return <SignIn problem={problem} tried={tried} onKey={signIn} />;
	}
	return (
		<>
			<Signed key={signedIn.credential} {...signedIn} place={place} onSignOut={signOut} />
			{offer && <ReplaceKey used={signedIn} link={offer} onReplace={accept} onClose={decline} />}
		</>
	);
}

function Signed({
	credential,
	connect,
	clock,
	access,
	notice: atFirst,
	place: { sessionId, webhookId },
	onSignOut,
}: SignedIn & { place: Place; onSignOut: () => void }) {
	const [notice, setNotice] = useState(atFirst);
	const [isLeaving, setLeaving] = useState(false);
	const listSize = useSize('sessions', 300, 200, 600);
	const connection = useMemo(() => ({ connect, clock }), [connect, clock]);
	const failing = useFailing(connect, access.webhooks);
	const show = (id: string | undefined) => {
		location.hash = addressOf(id);
	};
	// A session of its own for each id: nothing of the one before stays.
	const session = useMemo(
		() =>
			sessionId === undefined ? null : isSessionId(sessionId) ? (
				<SessionPage
					key={sessionId}
					connection={connection}
					access={access}
					id={sessionId}
					onDeleted={() => {
						setNotice(`${sessionId} was deleted.`);
						show(undefined);
					}}
				/>
			) : (
				<div class="welcome">
					<h1>No such session</h1>
					<p class="problem" role="alert">
						“{visible(sessionId.slice(0, 80))}” is not the id of a session. An id begins with sess_.
					</p>
				</div>
			),
		[connection, access, sessionId],
	);
	const isOfWebhooks = webhookId !== undefined;
	const isShown = isOfWebhooks || sessionId !== undefined;
	return (
		<>
			<button type="button" class="skip" onClick={skipToMain}>
				Skip to the {isOfWebhooks ? 'webhooks' : 'session'}
			</button>
			<header class="top">
				<a href={addressOf(undefined)} class="home">
					Inspector
				</a>
				<p role="status">{notice}</p>
				<p class="used">
					<code>{nameOf(credential)}</code>
					{access.owner !== undefined && ` of ${access.owner}`}
				</p>
				{access.webhooks && (
					<a href={addressOfWebhooks()} aria-current={isOfWebhooks ? 'page' : undefined}>
						Webhooks
						{failing > 0 && (
							<span class="cross" title={`${failing} did not get all messages`}>
								{' '}
								✖ {failing}
							</span>
						)}
					</a>
				)}
				<a href="/docs">
					API<span class="more"> reference</span>
				</a>
				<button type="button" class="quiet" onClick={() => (hasUnsaved() ? setLeaving(true) : onSignOut())}>
					Sign out
				</button>
			</header>
			<div
				class={`panes ${isShown ? 'one-shown' : 'none-shown'}${access.list ? '' : ' no-list'}`}
				style={{ '--list': `${listSize.value}px` }}
			>
				{access.list && (
					<Sessions connection={connection} shownId={sessionId}>
						<Divider label="Width of the sessions" size={listSize} direction="columns" />
					</Sessions>
				)}
				<main tabIndex={-1}>
					{isOfWebhooks ? (
						<WebhooksPage connection={connection} openId={webhookId} hasList={access.list} />
					) : (
						(session ??
						(access.list ? (
							<div class="welcome">
								<h1>Choose a session</h1>
								<p class="hint">
									What happens in it appears here as it happens. Programs create sessions by the{' '}
									<a href="/docs">API</a>.
								</p>
							</div>
						) : (
							<ChooseSession onId={show} />
						)))
					)}
				</main>
			</div>
			{isLeaving && (
				<Dialog title="Sign out and lose what is not saved?" onClose={() => setLeaving(false)}>
					<p>You have written something that is not saved.</p>
					<div class="buttons">
						<button type="button" class="main" onClick={() => setLeaving(false)}>
							Stay
						</button>
						<button
							type="button"
							class="danger"
							onClick={() => {
								dropAllDrafts();
								onSignOut();
							}}
						>
							Sign out
						</button>
					</div>
				</Dialog>
			)}
		</>
	);
}

function skipToMain(): void {
	const main = document.querySelector('main');
	(main?.querySelector<HTMLElement>('h1[tabindex]') ?? main)?.focus();
}

/** What the service takes as an id. Others are not sent to it. */
const isSessionId = (id: string): boolean => /^[\w-]{1,128}$/.test(id);

/** Follows the address: something else is shown, a link is taken while what is shown waits for it. */
function useAddress(place: Place, onPlace: (place: Place) => void, onLink: (link: Link) => void): void {
	useEffect(() => {
		const read = () => {
			const link = takeLink();
			if (link === undefined) return onPlace(placeInAddress());
			showInAddress(place);
			onLink(link);
		};
		window.addEventListener('hashchange', read);
		return () => window.removeEventListener('hashchange', read);
	}, [place, onPlace, onLink]);
}
