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
	syntaxHighlight: { theme: 'nord' },
	// No validator badge: it would ask another host.
	validatorUrl: null,
});
