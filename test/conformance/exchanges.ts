import type { Exchange, Json } from '../support/broken-server/breakage.ts';

/** Which call an exchange is, and how a broken rule changes its response. */

export const isSessions = (path: string) => path.endsWith('/sessions');
export const isSession = (path: string) => /\/sessions\/[^/]+$/.test(path);
export const isEvents = (path: string) => path.endsWith('/events');
export const isSuccess = ({ status }: Exchange) => status < 300;
export const isList = (exchange: Exchange) =>
	exchange.method === 'GET' && isSessions(exchange.path) && isSuccess(exchange);
export const isDetails = (exchange: Exchange) =>
	exchange.method === 'GET' && isSession(exchange.path) && isSuccess(exchange);
export const isPatch = (exchange: Exchange) => exchange.method === 'PATCH' && isSuccess(exchange);
export const isCreate = (exchange: Exchange) =>
	exchange.method === 'POST' && isSessions(exchange.path) && isSuccess(exchange);
export const isAppend = (exchange: Exchange) =>
	exchange.method === 'POST' && isEvents(exchange.path) && isSuccess(exchange);

/** Changes the body of the matching responses. */
export const body =
	(fits: (exchange: Exchange) => boolean, change: (body: Json, exchange: Exchange) => Json | undefined) =>
	(exchange: Exchange) => {
		if (exchange.body && fits(exchange)) exchange.body = change(exchange.body, exchange);
	};
export const sessionsIn = (list: Json) => list.data as Json[];

/** Refuses a request that breaks a rule of the broken server. */
export const refused = (exchange: Exchange, path = ''): void => {
	exchange.status = 400;
	exchange.body = {
		error: 'No.',
		code: 'VALIDATION_ERROR',
		requestId: 'x',
		details: [{ path, message: 'is refused', code: 'INVALID_TYPE' }],
	};
};
/** Refuses the successful requests that match. */
export const refusing = (fits: (exchange: Exchange) => boolean, path = '') => ({
	answer: (exchange: Exchange) => {
		if (isSuccess(exchange) && fits(exchange)) refused(exchange, path);
	},
});
