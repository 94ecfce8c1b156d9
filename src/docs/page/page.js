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

SwaggerUIBundle({
	url: '/openapi.json',
	dom_id: '#reference',
	deepLinking: true,
	// A key that was entered stays in this tab's memory alone.
	persistAuthorization: false,
	displayRequestDuration: true,
	tryItOutEnabled: true,
	defaultModelsExpandDepth: 0,
	docExpansion: 'list',
	// No validator badge: it would ask another host.
	validatorUrl: null,
	requestInterceptor: (request) => Object.assign(request, { userFetch: fetchInTime }),
});

// Each kind of credentials has a field that asks for the focus, so the last one gets it. Most people have an API key.
document.addEventListener('click', ({ target }) => {
	if (!target.closest('.authorize, .authorization__btn')) return;
	requestAnimationFrame(() => document.querySelector('.auth-container input')?.focus());
});
