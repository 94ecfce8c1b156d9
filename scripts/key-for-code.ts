import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How long a code of a printed link works. */
const LIFE_MS = 10 * 60 * 1000;
/** Characters of a code: 32 bytes as base64url. */
const MAX_CODE_LENGTH = 43;

/** Gives a key to whoever has the code for it. */
interface KeyForCode {
	/** The port of 127.0.0.1 that takes the code as the body of a POST. */
	port: number;
	/** Makes the code, which works from now on, once. One that was made before no longer works. */
	newCode(): string;
	close(): void;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Serves a key for a one-time code on a port of this machine. The state is in this process, so a Worker that is loaded anew
 * does not accept a used code again. The code has 256 random bits, and is the only credential. No response allows another
 * origin to read it. `now` returns the time in milliseconds.
 */
export async function serveKeyForCode(key: string, now: () => number = Date.now): Promise<KeyForCode> {
	let offered: { hash: Buffer; expiresAt: number } | undefined;
	const take = (code: string): boolean => {
		if (offered === undefined || !timingSafeEqual(sha256(code), offered.hash)) return false;
		const isInTime = now() < offered.expiresAt;
		offered = undefined;
		return isInTime;
	};
	const server = createServer(async (request, response) => {
		const isTaken = take(await readBody(request));
		response.writeHead(isTaken ? 200 : 401, { 'Cache-Control': 'no-store', 'Content-Type': 'text/plain' });
		response.end(isTaken ? key : '');
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	// It does not keep the process alive.
	server.unref();
	return {
		port: (server.address() as AddressInfo).port,
		newCode() {
			const code = randomBytes(32).toString('base64url');
			offered = { hash: sha256(code), expiresAt: now() + LIFE_MS };
			return code;
		},
		close: () => server.close(),
	};
}

/** Returns a body, or a part that is too long to be a code. The rest is read too, so that the response reaches its sender. */
async function readBody(request: IncomingMessage): Promise<string> {
	let body = '';
	for await (const chunk of request) {
		if (body.length <= MAX_CODE_LENGTH) body += chunk;
	}
	return body;
}
