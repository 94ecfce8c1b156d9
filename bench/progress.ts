/** Says on standard error what is measured now: in one line of a terminal, elsewhere in a new one each time. */
export function progress(text: string): void {
	process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
}
