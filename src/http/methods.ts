import { createMiddleware } from 'hono/factory';
import { ApiError } from '../core/errors.ts';

/** For a known path, behind its handlers: refuses every other method (RFC 9110, 15.5.6). */
export const onlyMethods = (...methods: string[]) =>
	createMiddleware(() => {
		const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
		throw new ApiError('METHOD_NOT_ALLOWED', `This path takes ${allow}.`, { headers: { Allow: allow } });
	});
