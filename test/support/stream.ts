/** A raw frame of Server-Sent Events. */
interface Frame {
	event?: string;
	id?: string;
	data?: string;
	retry?: string;
	/** The text of a comment. */
	comment?: string;
}

/** Reads a stream as a client other than a browser does. */
export interface Stream {
	response: Response;
	/** The next frame that is not a comment, or undefined at the end of the stream. */
	next(): Promise<Frame | undefined>;
	/** The next frame, comments included. */
	nextOrComment(): Promise<Frame | undefined>;
	/** The next `event` frames up to a number. Other frames in between are skipped. */
	events(count: number): Promise<{ id: string; type: string; payload: unknown }[]>;
	/** The frames up to the end of the stream, without comments. */
	rest(): Promise<Frame[]>;
	/** Disconnects. */
	leave(): Promise<void>;
}

/** Reads a response as Server-Sent Events, only when a frame is requested. */
export function streamOf(response: Response): Stream {
	const body = response.body;
	if (!body) throw new Error(`${response.status}: there is no stream`);
	const reader = body.pipeThrough(new TextDecoderStream()).getReader();
	let text = '';

	async function nextOrComment(): Promise<Frame | undefined> {
		for (;;) {
			const end = text.indexOf('\n\n');
			if (end !== -1) {
				const lines = text.slice(0, end).split('\n');
				text = text.slice(end + 2);
				return frameOf(lines);
			}
			const { done, value } = await reader.read();
			if (done) return undefined;
			text += value;
		}
	}

	async function next(): Promise<Frame | undefined> {
		for (;;) {
			const frame = await nextOrComment();
			if (!frame || frame.event !== undefined) return frame;
		}
	}

	return {
		response,
		next,
		nextOrComment,
		async events(count) {
			const events = [];
			while (events.length < count) {
				const frame = await next();
				if (!frame) throw new Error(`The stream ended after ${events.length} events.`);
				if (frame.event !== 'event') continue;
				const event = JSON.parse(frame.data ?? '');
				if (event.id !== frame.id) throw new Error(`${event.id} came as ${frame.id}`);
				events.push(event);
			}
			return events;
		},
		async rest() {
			const frames: Frame[] = [];
			for (let frame = await next(); frame; frame = await next()) frames.push(frame);
			return frames;
		},
		leave: () => reader.cancel(),
	};
}

function frameOf(lines: readonly string[]): Frame {
	const frame: Frame = {};
	for (const line of lines) {
		const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
		if (name === '') frame.comment = value;
		else if (name === 'event' || name === 'id' || name === 'data' || name === 'retry') {
			if (frame[name] !== undefined) throw new Error(`${name} came twice in one frame`);
			frame[name] = value;
		} else throw new Error(`${name} is not a field of a frame`);
	}
	return frame;
}
