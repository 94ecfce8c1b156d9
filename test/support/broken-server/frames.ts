/** A frame of Server-Sent Events: its fields by name, in order. The name of a comment is empty. */
export type Frame = Readonly<Record<string, string>>;

/** Gets each frame of a stream, and returns the frames that are sent in its place. */
export type FrameChange = (frame: Frame) => Frame[];

function frameOf(text: string): Frame {
	const fields = text.split('\n').map((line) => {
		const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
		return [name, value];
	});
	return Object.fromEntries(fields);
}

const textOf = (frame: Frame): string =>
	`${Object.entries(frame)
		.map(([name, value]) => `${name}: ${value}\n`)
		.join('')}\n`;

/** A stream with its frames changed. */
export function changedFrames(
	stream: ReadableStream<Uint8Array>,
	change: FrameChange,
): ReadableStream<Uint8Array> {
	let rest = '';
	const frames = new TransformStream<string, string>({
		transform(text, controller) {
			const parts = (rest + text).split('\n\n');
			rest = parts.pop() ?? '';
			for (const frame of parts.flatMap((part) => change(frameOf(part)))) controller.enqueue(textOf(frame));
		},
	});
	return stream.pipeThrough(new TextDecoderStream()).pipeThrough(frames).pipeThrough(new TextEncoderStream());
}
