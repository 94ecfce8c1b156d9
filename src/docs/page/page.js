const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

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
});
