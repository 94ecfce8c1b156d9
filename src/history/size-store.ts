import { raw, type Sql, sql } from '../core/sql.ts';
import { BYTES_OF_A_ROW, NOT_KEPT } from './keep-store.ts';

/** What the versions of a row of `sessions` count. It takes two look-ups. */
export const VERSION_BYTES = sql`ifnull((SELECT iif(bytes < ${NOT_KEPT}, bytes_before + bytes
		- (SELECT bytes_before FROM versions WHERE session_id = sessions.id ORDER BY version LIMIT 1), ${raw(BYTES_OF_A_ROW)})
	FROM versions WHERE session_id = sessions.id ORDER BY version DESC LIMIT 1), 0)`;

/** How many versions of a row of `sessions` are kept, from the ends of the rows: a count would read each row whole. */
const VERSIONS_KEPT = sql`ifnull((SELECT max(version) FROM versions WHERE session_id = sessions.id)
	- (SELECT min(version) FROM versions WHERE session_id = sessions.id) + 1, 0)`;

/** Whether the versions of a row of `sessions` are few and small. */
export const hasFewVersions = (max: Sql, maxBytes: Sql): Sql =>
	sql`${VERSIONS_KEPT} <= ${max} AND ${VERSION_BYTES} <= ${maxBytes}`;
