import { Ago, Fact } from '../components.tsx';
import type { SessionHead } from '../exact-json.ts';
import { ownerOf } from '../service.ts';
import { exactLengthOf } from '../time.ts';

/** The facts of a session that one needs now and then. */
export function SessionDetails({ head, now, isOver }: { head: SessionHead; now: number; isOver: boolean }) {
	const leftMs = Date.parse(head.expiresAt) - now;
	return (
		<dl class="facts details">
			<Fact name="Owner">{ownerOf(head)}</Fact>
			{!isOver && (
				<Fact name="Expires in" title={head.expiresAt}>
					{leftMs > 0 ? exactLengthOf(leftMs) : 'none'}
				</Fact>
			)}
			<Fact name="Created">
				<Ago time={head.createdAt} now={now} />
			</Fact>
			<Fact name="Changed">
				<Ago time={head.updatedAt} now={now} />
			</Fact>
			<Fact name="ETag">
				<code>{head.etag}</code>
			</Fact>
			<Fact name="Catalog">{head.catalogVersion ?? 'none'}</Fact>
			<Fact name="Schema">{head.schemaVersion ?? 'none'}</Fact>
			<Fact name="Product object hash" title={head.productObjectHash ?? undefined}>
				<code>{head.productObjectHash?.slice(0, 12) ?? 'none'}</code>
			</Fact>
		</dl>
	);
}
