import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../src/webhooks/address.ts';

/** IPv4 addresses that no webhook may lead to: at both ends of each range, and those of platforms. */
const NOT_PUBLIC = [
	...['0.0.0.0', '0.255.255.255', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255'],
	...['127.0.0.1', '127.255.255.255', '169.254.0.0', '169.254.169.254', '169.254.170.2', '169.254.255.255'],
	...['172.16.0.0', '172.31.255.255', '192.0.0.0', '192.0.0.192', '192.0.2.1', '192.88.99.1', '192.168.0.0'],
	...['192.168.255.255', '198.18.0.0', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1'],
	...['239.255.255.255', '240.0.0.1', '255.255.255.255', '100.100.100.200', '168.63.129.16'],
];
const PUBLIC = [
	'1.1.1.1',
	'9.255.255.255',
	'11.0.0.0',
	'100.63.255.255',
	'100.128.0.0',
	'126.255.255.255',
	'128.0.0.1',
];

const hex = (number: number) => number.toString(16);

/** The notations of an IPv4 address that URL parsers read as that address. */
function notationsOf(address: string): string[] {
	const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
	const whole = ((a * 256 + b) * 256 + c) * 256 + d;
	const fullwidth = address.replace(/[0-9]/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));
	const percent = address.replace(/[0-9.]/g, (character) => `%${hex(character.charCodeAt(0))}`);
	return [
		address,
		`${address}.`,
		`${address}..`,
		[a, b, c * 256 + d].join('.'),
		[a, (b * 256 + c) * 256 + d].join('.'),
		String(whole),
		`0x${hex(whole)}`,
		`0X${hex(whole).toUpperCase()}`,
		`0${whole.toString(8)}`,
		[a, b, c, d].map((part) => `0x${hex(part)}`).join('.'),
		[a, b, c, d].map((part) => `0${part.toString(8)}`).join('.'),
		[`0${a.toString(8)}`, `0x${hex(b)}`, c * 256 + d].join('.'),
		[`0000000${a.toString(8)}`, b, c, d].join('.'),
		fullwidth,
		address.replaceAll('.', '。'),
		address.replaceAll('.', '．'),
		percent,
	];
}

/** The IPv6 addresses that contain an IPv4 address. */
function embeddingsOf(address: string): string[] {
	const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
	const [high, low] = [hex(a * 256 + b), hex(c * 256 + d)];
	return [
		`[::ffff:${address}]`,
		`[::ffff:${high}:${low}]`,
		`[0:0:0:0:0:ffff:${high}:${low}]`,
		`[::FFFF:${address}]`,
		`[::${address}]`,
		`[::${high}:${low}]`,
		`[::ffff:0:${high}:${low}]`,
		`[64:ff9b::${address}]`,
		`[64:ff9b::${high}:${low}]`,
		`[64:ff9b:1::${high}:${low}]`,
		`[2002:${high}:${low}::]`,
		`[2002:${high}:${low}::1]`,
		`[2001:0:${high}:${low}::]`,
		`[2001:0:1:1:0:0:${hex(0xffff - Number.parseInt(high, 16))}:${hex(0xffff - Number.parseInt(low, 16))}]`,
	];
}

const OTHER_IPV6 = [
	...['[::]', '[::1]', '[fe80::1]', '[febf::1]', '[fec0::1]', '[fc00::1]', '[fdff::1]', '[fd00:ec2::254]'],
	...[
		'[fd20:ce::254]',
		'[ff02::1]',
		'[100::1]',
		'[2001:db8::1]',
		'[3fff::1]',
		'[2001:2::1]',
		'[2001:10::1]',
		'[5f00::1]',
	],
];

const PRIVATE_NAMES = [
	...[
		'localhost',
		'LOCALHOST',
		'localhost.',
		'a.localhost',
		'a.b.LocalHost.',
		'ｌｏｃａｌｈｏｓｔ',
		'%6cocalhost',
	],
	...[
		'local\u00adhost',
		'localhost.localdomain',
		'metadata',
		'metadata.google.internal',
		'metadata.google.internal.',
	],
	...[
		'metadata.goog',
		'instance-data',
		'instance-data.ec2.internal',
		'host.docker.internal',
		'a.local',
		'a.lan',
		'a.home',
	],
	...[
		'kubernetes.default.svc',
		'db.default.svc.cluster.local',
		'vault.service.consul',
		'router',
		'a.intranet',
		'a.corp',
	],
	...['nas.home.arpa', 'hooks.test', 'hooks.invalid', 'hooks.example', 'hooks.onion', 'hooks.alt'],
];

/** What may stand around a host. */
const around: ((host: string) => string)[] = [
	(host) => `https://${host}/`,
	(host) => `https://${host}`,
	(host) => `https://${host}:8443/a?b=c`,
	(host) => `HTTPS://${host}/`,
	(host) => `https:\\\\${host}\\`,
	(host) => `https:/${host}/`,
	(host) => `https:${host}/`,
	(host) => `https:////${host}/`,
	(host) => `https://@${host}/`,
];

const allowed = (hosts: readonly string[], allowLoopback = false): string[] =>
	hosts.flatMap((host) => around.map((write) => write(host)).filter((url) => !refusalOf(url, allowLoopback)));

describe('an address that is not public is refused', () => {
	it('in every notation of IPv4', () => {
		expect(allowed(NOT_PUBLIC.flatMap(notationsOf))).toEqual([]);
	});

	it('in every IPv6 address that contains it', () => {
		expect(allowed(NOT_PUBLIC.flatMap(embeddingsOf))).toEqual([]);
	});

	it('when it is one of IPv6', () => {
		expect(allowed(OTHER_IPV6)).toEqual([]);
	});

	it('when it is a name of a machine, a private network or a platform', () => {
		expect(allowed(PRIVATE_NAMES)).toEqual([]);
	});

	it('also where this machine is allowed', () => {
		const isThisMachine = /^127\.|^0x7f|localhost$/i;
		const others = [...NOT_PUBLIC, ...OTHER_IPV6, ...PRIVATE_NAMES].filter(
			(host) =>
				!isThisMachine.test(new URL(`https://${host}`).hostname.replace(/\.$/, '')) && host !== '[::1]',
		);
		expect(allowed(others, true)).toEqual([]);
	});
});

describe('a public address is allowed', () => {
	it('also beside a range that is not', () => {
		for (const address of PUBLIC)
			expect([address, refusalOf(`https://${address}/`, false)]).toEqual([address, undefined]);
		for (const host of [
			'[2606:4700::1111]',
			'[2a00:1450:4001::200e]',
			'bücher.example.com',
			'xn--bcher-kva.example.com',
		])
			expect([host, refusalOf(`https://${host}/`, false)]).toEqual([host, undefined]);
	});

	it('unless it has a user, a password, a fragment or another protocol', () => {
		const urls = [
			...[
				'https://a@8.8.8.8/',
				'https://:b@8.8.8.8/',
				'https://8.8.8.8@127.0.0.1/',
				'https://127.0.0.1\\@8.8.8.8/',
			],
			...[
				'https://8.8.8.8/#',
				'https://8.8.8.8/#a',
				'https://127.0.0.1#@8.8.8.8/',
				'https://8.8.8.8#@127.0.0.1/',
			],
			...[
				'http://8.8.8.8/',
				'wss://8.8.8.8/',
				'file:///etc/passwd',
				'blob:https://8.8.8.8/',
				'javascript:alert(1)',
				'data:,a',
			],
			...[
				'gopher://8.8.8.8/',
				'//8.8.8.8/',
				'https://',
				'https://[8.8.8.8]/',
				'https://8.8.8.8:99999/',
				'https://1.2.3.4.5/',
			],
		];
		for (const url of urls) expect([url, refusalOf(url, false)?.code]).toEqual([url, expect.any(String)]);
	});
});

it('a host may be as long as a URL may be, and no longer', () => {
	const long = (characters: number) => `https://${'a.'.repeat(characters / 2)}example.com/`;
	expect(refusalOf(long(2000), false)).toBeUndefined();
	expect(refusalOf(long(2048), false)?.code).toBe('TOO_LONG');
});
