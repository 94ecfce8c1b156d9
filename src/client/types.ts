// Generated from the OpenAPI document by `npm run build:client`. Do not edit it.

/** In the order of a session’s life. A status may follow any other. */
export type SessionStatus = 'intake' | 'generating' | 'assembling' | 'complete' | 'failed';

export interface Session {
	/** How far the assembly of the product is. */
	assemblyState: Record<string, unknown> | null;
	catalogVersion: string | null;
	createdAt: string;
	/** When the session expires. */
	expiresAt: string;
	id: string;
	organizationId: string | null;
	/** How the product is going to be built. */
	plan: Record<string, unknown> | null;
	/** The product requirements document. */
	prd: Record<string, unknown> | null;
	/** The product itself. */
	productObject: Record<string, unknown> | null;
	/** The hash in the request, or the lowercase hex SHA-256 of the RFC 8785 form of productObject. */
	productObjectHash: string | null;
	schemaVersion: string | null;
	status: SessionStatus;
	updatedAt: string;
	userId: string;
}

export interface SessionDetails {
	/** How far the assembly of the product is. */
	assemblyState: Record<string, unknown> | null;
	catalogVersion: string | null;
	createdAt: string;
	events: Array<Event>;
	/** When the session expires. */
	expiresAt: string;
	id: string;
	organizationId: string | null;
	/** How the product is going to be built. */
	plan: Record<string, unknown> | null;
	/** The product requirements document. */
	prd: Record<string, unknown> | null;
	/** The product itself. */
	productObject: Record<string, unknown> | null;
	/** The hash in the request, or the lowercase hex SHA-256 of the RFC 8785 form of productObject. */
	productObjectHash: string | null;
	schemaVersion: string | null;
	status: SessionStatus;
	updatedAt: string;
	userId: string;
}

export interface CreateSession {
	catalogVersion?: string | undefined;
	/** The product requirements document. */
	prd?: Record<string, unknown> | undefined;
	schemaVersion?: string | undefined;
	/** The time until the session expires, in seconds. At most SESSION_TTL_MAX_SECONDS, a setting of the service: 2,592,000 by default. */
	ttlSeconds?: number | undefined;
}

export interface UpdateSession {
	/** Replaces the whole object. */
	assemblyState?: Record<string, unknown> | undefined;
	/** Replaces the whole object. */
	plan?: Record<string, unknown> | undefined;
	/** Replaces the whole object. */
	prd?: Record<string, unknown> | undefined;
	/** Replaces the whole object. */
	productObject?: Record<string, unknown> | undefined;
	productObjectHash?: string | undefined;
	status?: SessionStatus | undefined;
	/** The time until the session expires, in seconds. At most SESSION_TTL_MAX_SECONDS, a setting of the service: 2,592,000 by default. */
	ttlSeconds?: number | undefined;
}

export interface MergeSession {
	/** Merged into the stored object; null clears it. */
	assemblyState?: Record<string, unknown> | null | undefined;
	/** Merged into the stored object; null clears it. */
	plan?: Record<string, unknown> | null | undefined;
	/** Merged into the stored object; null clears it. */
	prd?: Record<string, unknown> | null | undefined;
	/** Merged into the stored object; null clears it. */
	productObject?: Record<string, unknown> | null | undefined;
	productObjectHash?: string | null | undefined;
	status?: SessionStatus | undefined;
	/** The time until the session expires, in seconds. At most SESSION_TTL_MAX_SECONDS, a setting of the service: 2,592,000 by default. */
	ttlSeconds?: number | undefined;
}

export interface Event {
	createdAt: string;
	id: string;
	message: string | null;
	organizationId: string | null;
	/** The data of the event. */
	payload: Record<string, unknown>;
	sessionId: string;
	stage: string | null;
	type: string;
	userId: string;
}

export interface EventPage {
	data: Array<Event>;
	/** Whether there are events after this page. */
	hasMore: boolean;
}

export interface AppendEvent {
	type: string;
	message?: string | undefined;
	/** The data of the event. */
	payload?: Record<string, unknown> | undefined;
	stage?: string | undefined;
}

export interface AppendStep {
	/** What happened, in order. The events get consecutive positions. */
	events: Array<AppendEvent>;
	/** What changed: a merge patch by RFC 7396. */
	patch?: StepPatch | undefined;
}

export interface StepPatch {
	/** Merged into the stored object; null clears it. */
	assemblyState?: Record<string, unknown> | null | undefined;
	/** Merged into the stored object; null clears it. */
	plan?: Record<string, unknown> | null | undefined;
	/** Merged into the stored object; null clears it. */
	prd?: Record<string, unknown> | null | undefined;
	/** Merged into the stored object; null clears it. */
	productObject?: Record<string, unknown> | null | undefined;
	productObjectHash?: string | null | undefined;
	status?: SessionStatus | undefined;
}

export interface Step {
	events: Array<Event>;
	session: Session;
}

export interface SessionKey {
	expiresAt: string;
	id: string;
	/** The key. It is not stored, so no later response holds it. */
	key: string;
}

export interface ErrorBody {
	/** A sentence for people. */
	error: string;
	/** Stable; for programs. */
	code:
		| 'INVALID_JSON'
		| 'VALIDATION_ERROR'
		| 'UNAUTHORIZED'
		| 'FORBIDDEN'
		| 'SESSION_NOT_FOUND'
		| 'NOT_FOUND'
		| 'METHOD_NOT_ALLOWED'
		| 'PRECONDITION_FAILED'
		| 'PAYLOAD_TOO_LARGE'
		| 'UNSUPPORTED_MEDIA_TYPE'
		| 'IDEMPOTENCY_KEY_REUSED'
		| 'RATE_LIMITED'
		| 'INTERNAL_ERROR'
		| 'DATABASE_UNAVAILABLE';
	/** The same as the X-Request-Id header. */
	requestId: string;
	/** Only on VALIDATION_ERROR. */
	details?:
		| Array<{
				/** Where, in dotted form; empty for the whole. */
				path: string;
				message: string;
		  }>
		| undefined;
}
