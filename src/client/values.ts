// Generated from the OpenAPI document by `npm run build:client`. Do not edit it.

/** Every status of a session, in the order of its life. */
export const sessionStatuses = ['intake', 'generating', 'assembling', 'complete', 'failed'] as const;

/** Every field of a session, in the order of responses. */
export const sessionFields = [
	'assemblyState',
	'catalogVersion',
	'createdAt',
	'expiresAt',
	'id',
	'organizationId',
	'plan',
	'prd',
	'productObject',
	'productObjectHash',
	'schemaVersion',
	'status',
	'updatedAt',
	'userId',
] as const;

/** Every field of an event, in the order of responses. */
export const eventFields = [
	'createdAt',
	'id',
	'message',
	'organizationId',
	'payload',
	'sessionId',
	'stage',
	'type',
	'userId',
] as const;

/** Every code of an error of the service, with its HTTP status. */
export const errorStatuses = {
	INVALID_JSON: 400,
	VALIDATION_ERROR: 400,
	UNAUTHORIZED: 401,
	FORBIDDEN: 403,
	QUOTA_EXCEEDED: 403,
	SESSION_NOT_FOUND: 404,
	VERSION_NOT_FOUND: 404,
	NOT_FOUND: 404,
	METHOD_NOT_ALLOWED: 405,
	REQUEST_TIMEOUT: 408,
	PRECONDITION_FAILED: 412,
	PAYLOAD_TOO_LARGE: 413,
	UNSUPPORTED_MEDIA_TYPE: 415,
	IDEMPOTENCY_KEY_REUSED: 422,
	RATE_LIMITED: 429,
	INTERNAL_ERROR: 500,
	DATABASE_UNAVAILABLE: 503,
} as const;

/** The version of this package. */
export const version = '0.2.0';
