import { raw, type Sql, sql } from '../core/sql.ts';

/** The largest step of a search for equal bytes: with it, a search reaches 524,287, which is more than any text here has. */
const FIRST_STEP = raw(262_144);

/** Whether a byte (counted from 1) of the BLOB `old` continues a character of UTF-8. */
const continues = (at: Sql): Sql => sql`substr(old, ${at}, 1) BETWEEN x'80' AND x'BF'`;

/**
 * The number of bytes that two BLOBs share, found by halving. `isSame` says whether they share `same + step` bytes if they share
 * `same`.
 */
const sharedBytes = (isSame: Sql): Sql =>
	sql`(WITH RECURSIVE search(same, step) AS (
			SELECT 0, ${FIRST_STEP} UNION ALL SELECT same + iif(${isSame}, step, 0), step / 2 FROM search WHERE step > 0)
		SELECT same FROM search WHERE step = 0)`;

/**
 * The parts in which an object differs from itself after some patches, as `Part` in parts.ts describes them, or the object where
 * that is shorter. `patches` is a JSON array of texts, and `merged` the expression of a merge. A part begins and ends between
 * characters, because its text must be valid UTF-8.
 */
export const partsOf = (object: Sql, patches: Sql, merged: (text: Sql, patch: Sql) => Sql): Sql =>
	sql`(WITH RECURSIVE
		texts(step, patches, old, new) AS (
			SELECT -1, ${patches}, NULL, ${object}
			UNION ALL SELECT step + 1, patches, new, ${merged(raw('new'), sql`patches ->> (step + 1)`)} FROM texts
				WHERE step + 1 < json_array_length(patches)),
		pairs AS MATERIALIZED (
			SELECT step, CAST(old AS BLOB) AS old, CAST(new AS BLOB) AS new, octet_length(old) AS size,
				min(octet_length(old), octet_length(new)) AS most FROM texts WHERE step >= 0),
		begun AS MATERIALIZED (
			SELECT *, ${sharedBytes(
				sql`same + step <= most AND substr(old, same + 1, step) = substr(new, same + 1, step)`,
			)} AS begin FROM pairs),
		headed AS MATERIALIZED (
			SELECT *, begin - CASE WHEN NOT ${continues(sql`begin + 1`)} THEN 0 WHEN NOT ${continues(raw('begin'))} THEN 1
				WHEN NOT ${continues(sql`begin - 1`)} THEN 2 ELSE 3 END AS head FROM begun),
		ended AS MATERIALIZED (
			SELECT *, ${sharedBytes(
				sql`head + same + step <= most AND substr(old, -(same + step), step) = substr(new, -(same + step), step)`,
			)} AS finish FROM headed),
		tailed AS MATERIALIZED (
			SELECT *, finish - CASE WHEN NOT ${continues(sql`size - finish + 1`)} THEN 0
				WHEN NOT ${continues(sql`size - finish + 2`)} THEN 1 WHEN NOT ${continues(sql`size - finish + 3`)} THEN 2
				ELSE 3 END AS tail FROM ended)
		SELECT CASE WHEN octet_length(parts) < octet_length(${object}) THEN parts ELSE ${object} END FROM (
			SELECT json_group_array(json_array(step, head, tail, CAST(substr(old, head + 1, size - head - tail) AS TEXT)))
				AS parts FROM tailed))`;
