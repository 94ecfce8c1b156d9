import { raw, type Sql, sql } from '../core/sql.ts';
import { BYTES_OF_A_ROW, NOT_KEPT } from './keep-store.ts';

/** What the versions of a row of `sessions` count. It takes two look-ups. */
export const VERSION_BYTES = sql`ifnull((SELECT iif(bytes < ${NOT_KEPT}, bytes_before + bytes
		- (SELECT bytes_before FROM versions WHERE session_id = sessions.id ORDER BY version LIMIT 1), ${raw(BYTES_OF_A_ROW)})
	FROM versions WHERE session_id = sessions.id ORDER BY version DESC LIMIT 1), 0)`;

/** Whether the versions of a row of `sessions` are few and small. */
export const hasFewVersions = (most: Sql, mostBytes: Sql): Sql =>
	sql`(SELECT count(*) FROM (SELECT 1 FROM versions WHERE session_id = sessions.id LIMIT ${most} + 1)) <= ${most}
		AND ${VERSION_BYTES} <= ${mostBytes}`;
