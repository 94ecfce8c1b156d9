import { forgetAllKeys, keepKey, keptKey, onSignOutElsewhere } from '../../pages/kept-key.ts';

const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

/** How long a stream is read. Swagger UI shows a response when it has ended, and a live stream does not end. */
const STREAM_MS = 3000;

/** Sends a request as `fetch` does, but ends a stream after STREAM_MS. */
async function fetchInTime(url, request) {
	const response = await fetch(url, request);
	if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) return response;
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	const end = setTimeout(() => reader.cancel(), STREAM_MS);
	let text = '';
	for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
	clearTimeout(end);
	return new Response(
		`${text}: This page shows the first ${STREAM_MS / 1000} seconds of a stream.\n`,
		response,
	);
}

/** A call is opened by a button, so its path in that button must not be a link. The address names the call when it is open. */
const textForLinks = ({ React }) => ({
	wrapComponents: {
		DeepLink: () => (props) => React.createElement('span', null, props.text),
	},
});

/** The kinds of credentials. The key of a tab is one of them: a token that is no API key is one of Clerk. */
const SCHEMES = ['apiKey', 'clerkSession'];
const schemeOf = (key) => (key.startsWith('rt_') ? 'apiKey' : 'clerkSession');

/** Keeps what somebody enters. Swagger UI itself would keep it as a text that can be read, in `localStorage`. */
const keptKeys = () => ({
	statePlugins: {
		auth: {
			wrapActions: {
				authorizeWithPersistOption: (authorize) => (entered) => {
					const value = SCHEMES.map((scheme) => entered[scheme]?.value).find(Boolean);
					if (value !== undefined) void keepKey(value);
					return authorize(entered);
				},
				logoutWithPersistOption: (logout) => (schemes) => {
					forgetAllKeys();
					return logout(schemes);
				},
			},
		},
	},
});

const reference = SwaggerUIBundle({
	url: '/openapi.json',
	dom_id: '#reference',
	deepLinking: true,
	plugins: [textForLinks, keptKeys],
	persistAuthorization: false,
	async onComplete() {
		const key = await keptKey();
		if (key !== undefined) reference.preauthorizeApiKey(schemeOf(key), key);
	},
	displayRequestDuration: true,
	tryItOutEnabled: true,
	defaultModelsExpandDepth: 0,
	docExpansion: 'list',
	// No validator badge: it would ask another host.
	validatorUrl: null,
	requestInterceptor: (request) => Object.assign(request, { userFetch: fetchInTime }),
});

onSignOutElsewhere(() => reference.authActions.logout(SCHEMES));

// Each kind of credentials has a field that asks for the focus, so the last one gets it. Most people have an API key.
document.addEventListener('click', ({ target }) => {
	if (!target.closest('.authorize, .authorization__btn')) return;
	requestAnimationFrame(() => document.querySelector('.auth-container input')?.focus());
});

/** Names what Swagger UI leaves without a name, and lets the keyboard scroll what scrolls. */
function complete() {
	for (const select of document.querySelectorAll('select:not([aria-label], [id])')) {
		select.setAttribute('aria-label', select.matches('.examples-select-element') ? 'Example' : 'Choice');
	}
	for (const table of document.querySelectorAll('.responses-table[role="region"]:not([aria-label])')) {
		const [method, path] = ['method', 'path'].map(
			(part) => table.closest('.opblock')?.querySelector(`.opblock-summary-${part}`)?.textContent,
		);
		table.setAttribute('aria-label', `Responses of ${method} ${path}`);
	}
	for (const field of document.querySelectorAll('.body-param textarea:not([aria-label])')) {
		field.setAttribute('aria-label', 'Body');
	}
	for (const [selector, name] of [
		['.information-container', 'About this API'],
		['.scheme-container', 'Credentials'],
	]) {
		const part = document.querySelector(selector);
		part?.setAttribute('role', 'region');
		part?.setAttribute('aria-label', name);
	}
	// The title is above the groups of calls, and those are above their calls.
	for (const [selector, level] of [
		['.opblock-tag', 2],
		['.opblock h4, .models h3, .models h4', 3],
		['.opblock h5', 4],
	]) {
		for (const heading of document.querySelectorAll(selector)) heading.setAttribute('aria-level', level);
	}
	for (const code of document.querySelectorAll('pre:not([tabindex]), .opblock-body:not([tabindex])')) {
		code.setAttribute('tabindex', '0');
	}
}
let isWaiting = false;
new MutationObserver(() => {
	if (isWaiting) return;
	isWaiting = true;
	requestAnimationFrame(() => {
		isWaiting = false;
		complete();
	});
}).observe(document.querySelector('#reference'), { childList: true, subtree: true });
