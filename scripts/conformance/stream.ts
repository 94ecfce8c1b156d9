import { createParser } from 'eventsource-parser';
import { Deviation } from './expect.ts';
import { type Answer, answerOf, begin, type Call, type Server } from './server.ts';

/** A frame of Server-Sent Events with a name. */
export interface Frame {
	event: string;
	id: string | undefined;
	data: string;
}

export interface Stream {
	/** The path, for messages. */
	request: string;
	headers: Headers;
	/** The milliseconds of `retry`, if it came before the first frame. Waits for that frame. */
	retry(): Promise<number | undefined>;
	/** The next frame; undefined when the stream has closed. Throws a Deviation when neither comes in time. */
	next(): Promise<Frame | undefined>;
	/** Disconnects. It may be called again. */
	leave(): Promise<void>;
}

/** What a stream is asked for. */
export interface Following {
	after?: string;
	lastEventId?: string;
	/** Asks for the whole session and each change of it. */
	state?: boolean;
	/** The whole Authorization header. */
	authorization?: string;
}

function callOf(path: string, { after, lastEventId, state, authorization }: Following): Call {
	const query = new URLSearchParams({
		...(after === undefined ? {} : { after }),
		...(state ? { state: 'true' } : {}),
	});
	return {
		path: `${path}/events${query.size === 0 ? '' : `?${query}`}`,
		...(authorization === undefined ? {} : { authorization }),
		headers: {
			Accept: 'text/event-stream',
			...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
		},
	};
}

const isStream = ({ headers }: Response): boolean =>
	headers.get('Content-Type')?.startsWith('text/event-stream') ?? false;

/** Opens the stream of the session at a path. Throws a Deviation when the answer is not a stream. */
export async function openStream(server: Server, path: string, following: Following): Promise<Stream> {
	const { request, response } = await begin(server, 'GET', callOf(path, following));
	if (response.status !== 200 || !isStream(response) || !response.body) {
		const { status, text } = await answerOf(request, response);
		throw new Deviation(`${request}: expected a stream, got ${status} ${text.slice(0, 200)}`);
	}
	return streamOf(request, response.headers, response.body, server.timeout);
}

/** Asks for a stream that must be refused. Throws a Deviation when a stream opens. */
export async function refusedStream(server: Server, path: string, following: Following): Promise<Answer> {
	const { request, response } = await begin(server, 'GET', callOf(path, following));
	if (!isStream(response)) return answerOf(request, response);
	await response.body?.cancel();
	throw new Deviation(`${request}: expected an error, got a stream`);
}

function streamOf(
	request: string,
	headers: Headers,
	body: ReadableStream<Uint8Array>,
	timeout: number,
): Stream {
	const reader = body.getReader();
	const decoder = new TextDecoder();
	const frames: Frame[] = [];
	let hasFrame = false;
	let retry: number | undefined;
	const parser = createParser({
		onEvent({ event = 'message', id, data }) {
			hasFrame = true;
			frames.push({ event, id, data });
		},
		onRetry(milliseconds) {
			if (!hasFrame) retry = milliseconds;
		},
	});

	/** Reads until there is a frame. Comments do not prolong the time. */
	async function fill(): Promise<void> {
		let timer: ReturnType<typeof setTimeout> | undefined;
		const late = new Promise<never>((_, reject) => {
			const message = `${request}: the stream had no further frame within ${timeout / 1000} s`;
			timer = setTimeout(() => reject(new Deviation(message)), timeout);
		});
		try {
			while (frames.length === 0) {
				const { done, value } = await Promise.race([reader.read(), late]);
				if (done) return;
				parser.feed(decoder.decode(value, { stream: true }));
			}
		} finally {
			clearTimeout(timer);
		}
	}

	return {
		request,
		headers,
		async retry() {
			await fill();
			return retry;
		},
		async next() {
			await fill();
			return frames.shift();
		},
		leave: () => reader.cancel().catch(() => {}),
	};
}
