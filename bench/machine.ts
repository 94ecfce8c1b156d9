import { createRequire } from 'node:module';
import { arch, cpus, platform, release, totalmem } from 'node:os';

const require = createRequire(import.meta.url);
const versionOf = (name: string): string => (require(`${name}/package.json`) as { version: string }).version;

/** The machine of the measurement. */
export const machine = () => ({
	cpu: cpus()[0]?.model.trim() ?? 'unknown',
	cores: cpus().length,
	memoryGiB: Math.round(totalmem() / 2 ** 30),
	system: `${platform()} ${release()} ${arch()}`,
	node: process.versions.node,
	workerd: versionOf('workerd'),
	miniflare: versionOf('miniflare'),
});
export type Machine = ReturnType<typeof machine>;

export const describe = (on: Machine): string =>
	`${on.cpu}, ${on.cores} cores, ${on.memoryGiB} GiB; Node ${on.node}, workerd ${on.workerd}, Miniflare ${on.miniflare}`;
