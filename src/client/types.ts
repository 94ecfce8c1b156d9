// Generated from the OpenAPI document by `npm run build:client`. Do not edit it.

import type { AppendEvent, Event, Patch, Sent, Stored, Types, Untyped } from './typed.ts';

/** In the order of a session’s life. A status may follow any other. */
export type SessionStatus = 'intake' | 'generating' | 'assembling' | 'complete' | 'failed';

export interface Session<T extends Types = Untyped> {
	/** How far the assembly of the product is. */
	assemblyState: Stored<T, 'assemblyState'> | null;
	catalogVersion: string | null;
	createdAt: string;
	/** When the session expires. */
	expiresAt: string;
	id: string;
	organizationId: string | null;
	/** How the product is going to be built. */
	plan: Stored<T, 'plan'> | null;
	/** The product requirements document. */
	prd: Stored<T, 'prd'> | null;
	/** The product itself. */
	productObject: Stored<T, 'productObject'> | null;
	/** The hash in the request, or the lowercase hex SHA-256 of the RFC 8785 form of productObject. */
	productObjectHash: string | null;
	schemaVersion: string | null;
	status: SessionStatus;
	updatedAt: string;
	userId: string;
}

export interface SessionDetails<T extends Types = Untyped> {
	/** How far the assembly of the product is. */
	assemblyState: Stored<T, 'assemblyState'> | null;
	catalogVersion: string | null;
	createdAt: string;
	events: Array<Event<T>>;
	/** When the session expires. */
	expiresAt: string;
	id: string;
	organizationId: string | null;
	/** How the product is going to be built. */
	plan: Stored<T, 'plan'> | null;
	/** The product requirements document. */
	prd: Stored<T, 'prd'> | null;
	/** The product itself. */
	productObject: Stored<T, 'productObject'> | null;
	/** The hash in the request, or the lowercase hex SHA-256 of the RFC 8785 form of productObject. */
	productObjectHash: string | null;
	schemaVersion: string | null;
	status: SessionStatus;
	updatedAt: string;
	userId: string;
}

export interface CreateSession<T extends Types = Untyped> {
	catalogVersion?: string | undefined;
	/** The session, and its version, that the new session begins as. Other members of the body take precedence. */
	from?:
		| {
				sessionId: string;
				/** By default the current version. */
				version?: number | undefined;
		  }
		| undefined;
	/** The product requirements document. */
	prd?: Sent<T, 'prd'> | undefined;
	schemaVersion?: string | undefined;
	/** The time until the session expires, in seconds. At most SESSION_TTL_MAX_SECONDS, a setting of the service: 2,592,000 by default. */
	ttlSeconds?: number | undefined;
}

export interface UpdateSession<T extends Types = Untyped> {
	/** Replaces the whole object. */
	assemblyState?: Sent<T, 'assemblyState'> | undefined;
	/** Replaces the whole object. */
	plan?: Sent<T, 'plan'> | undefined;
	/** Replaces the whole object. */
	prd?: Sent<T, 'prd'> | undefined;
	/** Replaces the whole object. */
	productObject?: Sent<T, 'productObject'> | undefined;
	productObjectHash?: string | undefined;
	status?: SessionStatus | undefined;
	/** The time until the session expires, in seconds. At most SESSION_TTL_MAX_SECONDS, a setting of the service: 2,592,000 by default. */
	ttlSeconds?: number | undefined;
}

export interface MergeSession<T extends Types = Untyped> {
	/** Merged into the stored object; null clears it. */
	assemblyState?: Patch<T, 'assemblyState'> | null | undefined;
	/** Merged into the stored object; null clears it. */
	plan?: Patch<T, 'plan'> | null | undefined;
	/** Merged into the stored object; null clears it. */
	prd?: Patch<T, 'prd'> | null | undefined;
	/** Merged into the stored object; null clears it. */
	productObject?: Patch<T, 'productObject'> | null | undefined;
	productObjectHash?: string | null | undefined;
	status?: SessionStatus | undefined;
	/** The time until the session expires, in seconds. At most SESSION_TTL_MAX_SECONDS, a setting of the service: 2,592,000 by default. */
	ttlSeconds?: number | undefined;
}

export interface EventPage<T extends Types = Untyped> {
	data: Array<Event<T>>;
	/** Whether there are events after this page. */
	hasMore: boolean;
}

export interface AppendStep<T extends Types = Untyped> {
	/** What happened, in order. The events get consecutive positions. */
	events: Array<AppendEvent<T>>;
	/** What changed: a merge patch by RFC 7396. */
	patch?: StepPatch<T> | undefined;
}

export interface StepPatch<T extends Types = Untyped> {
	/** Merged into the stored object; null clears it. */
	assemblyState?: Patch<T, 'assemblyState'> | null | undefined;
	/** Merged into the stored object; null clears it. */
	plan?: Patch<T, 'plan'> | null | undefined;
	/** Merged into the stored object; null clears it. */
	prd?: Patch<T, 'prd'> | null | undefined;
	/** Merged into the stored object; null clears it. */
	productObject?: Patch<T, 'productObject'> | null | undefined;
	productObjectHash?: string | null | undefined;
	status?: SessionStatus | undefined;
}

export interface Step<T extends Types = Untyped> {
	events: Array<Event<T>>;
	session: Session<T>;
}

export interface Version {
	/** The id of the latest event when the version began. Null when the session had none, or when the change was made while no history was kept. */
	afterEvent: string | null;
	/** The fields that the change set or merged. Empty for the first version, and when the change was made while no history was kept. */
	changed: Array<
		'assemblyState' | 'expiresAt' | 'plan' | 'prd' | 'productObject' | 'productObjectHash' | 'status'
	>;
	/** For `If-Match` of a write. */
	etag: string;
	status: SessionStatus;
	updatedAt: string;
	version: number;
}

export interface VersionPage {
	data: Array<Version>;
	/** Whether earlier versions are kept. */
	hasMore: boolean;
}

export interface SessionKey {
	expiresAt: string;
	id: string;
	/** The key. It is not stored, so no later response holds it. */
	key: string;
}

export interface CreateWebhook {
	/** Where messages go: `https`, a public address, no user, no fragment. The service answers it as URL parsers write it. */
	url: string;
	/** What to send: `session.created`, `session.status_changed`, `session.deleted`, `session.expired`, and `event:` with the type of an event. `event:input.*` is every type that begins with `input.`, and `event:*` every event. */
	events: Array<string>;
}

export interface UpdateWebhook {
	/** Where messages go: `https`, a public address, no user, no fragment. The service answers it as URL parsers write it. */
	url?: string | undefined;
	/** What to send: `session.created`, `session.status_changed`, `session.deleted`, `session.expired`, and `event:` with the type of an event. `event:input.*` is every type that begins with `input.`, and `event:*` every event. */
	events?: Array<string> | undefined;
	/** Whether messages are owed and sent. */
	enabled?: boolean | undefined;
}

export interface Webhook {
	createdAt: string;
	/** Why nothing is sent. `null`: the webhook is enabled. */
	disabled: {
		at: string;
		/** Stable; for programs. `REQUESTED`: by an update. `GONE`: the endpoint answered 410. `FAILING`: messages fail for days, or too many wait; `reason` says which. */
		code: 'REQUESTED' | 'GONE' | 'FAILING';
		/** A sentence for people. */
		reason: string;
	} | null;
	events: Array<string>;
	id: string;
	/** Until when the secret before the present one signs too. After that time, and with `null`, one secret signs. */
	previousSecretUntil: string | null;
	updatedAt: string;
	url: string;
}

export interface CreatedWebhook {
	createdAt: string;
	/** Why nothing is sent. `null`: the webhook is enabled. */
	disabled: {
		at: string;
		/** Stable; for programs. `REQUESTED`: by an update. `GONE`: the endpoint answered 410. `FAILING`: messages fail for days, or too many wait; `reason` says which. */
		code: 'REQUESTED' | 'GONE' | 'FAILING';
		/** A sentence for people. */
		reason: string;
	} | null;
	events: Array<string>;
	id: string;
	/** Until when the secret before the present one signs too. After that time, and with `null`, one secret signs. */
	previousSecretUntil: string | null;
	updatedAt: string;
	url: string;
	/** Signs each message. No later response contains it. */
	secret: string;
}

export interface WebhookSecret {
	/** Until when the secret before signs too. */
	previousSecretUntil: string;
	/** Signs each message. No later response contains it. */
	secret: string;
}

export interface WebhookTest {
	/** Whether the endpoint answered with a 2xx. */
	delivered: boolean;
	durationMs: number;
	error: 'STATUS' | 'REDIRECT' | 'TIMEOUT' | 'CONNECTION' | 'REFUSED_ADDRESS' | null;
	/** The `webhook-id` of the message. */
	id: string;
	status: number | null;
}

export interface WebhookDelivery {
	/** When it happened. */
	createdAt: string;
	eventId: string | null;
	id: string;
	/** Stable; for programs. `STATUS`: another status than 2xx. `REDIRECT`: a redirect, which is not followed. `TIMEOUT`: no answer in 15 s. `CONNECTION`: no connection. `REFUSED_ADDRESS`: the service sends nothing to the address. */
	lastError: 'STATUS' | 'REDIRECT' | 'TIMEOUT' | 'CONNECTION' | 'REFUSED_ADDRESS' | null;
	lastStatus: number | null;
	lastTryAt: string | null;
	/** The `webhook-id` of the message. */
	messageId: string;
	/** `null`: there is no further try. */
	nextTryAt: string | null;
	sessionId: string;
	/** The tries that failed. */
	tries: number;
	type: string;
}

export interface WebhookDeliveryPage {
	data: Array<WebhookDelivery>;
	/** Whether there are deliveries after this page. */
	hasMore: boolean;
}

export interface WebhookReplay {
	/** The messages that are sent again. */
	count: number;
	/** If there is more to send, the `since` of the next call; otherwise `null`. */
	goesOnFrom: string | null;
}

/**
 * Stable; for programs.
 *
 * - `MISSING_REQUIRED_FIELD`: The field is required, and the request does not have it.
 * - `INVALID_TYPE`: The value has another type than the field, such as text where a number is expected, or `null`.
 * - `INVALID_ENUM`: The value is not one of the allowed ones.
 * - `INVALID_FORMAT`: The text does not have the form of the field, such as that of an id.
 * - `INVALID_CHARACTERS`: The text contains a character that the field does not accept: U+0000, a lone surrogate, or a control character.
 * - `TOO_SHORT`: The text has too few characters, or the list too few items.
 * - `TOO_LONG`: The text has too many characters, or the list too many items.
 * - `TOO_DEEP`: The object nests too many levels.
 * - `OUT_OF_RANGE`: The number is too small or too large.
 * - `CONFLICTING_FIELDS`: The field cannot be combined with another one of the request.
 * - `UNKNOWN_EVENT`: The session has no event with this id.
 * - `REFUSED_ADDRESS`: The service sends nothing to this address, such as one of a private network.
 */
export type ProblemCode =
	| 'MISSING_REQUIRED_FIELD'
	| 'INVALID_TYPE'
	| 'INVALID_ENUM'
	| 'INVALID_FORMAT'
	| 'INVALID_CHARACTERS'
	| 'TOO_SHORT'
	| 'TOO_LONG'
	| 'TOO_DEEP'
	| 'OUT_OF_RANGE'
	| 'CONFLICTING_FIELDS'
	| 'UNKNOWN_EVENT'
	| 'REFUSED_ADDRESS';

export interface ErrorBody {
	/** A sentence for people. */
	error: string;
	/** Stable; for programs. */
	code:
		| 'INVALID_JSON'
		| 'VALIDATION_ERROR'
		| 'UNAUTHORIZED'
		| 'FORBIDDEN'
		| 'QUOTA_EXCEEDED'
		| 'SESSION_NOT_FOUND'
		| 'VERSION_NOT_FOUND'
		| 'NOT_FOUND'
		| 'METHOD_NOT_ALLOWED'
		| 'REQUEST_TIMEOUT'
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
				/** A sentence for people, without its subject. */
				message: string;
				code: ProblemCode;
				/** A sentence for people: what to send instead. */
				suggestion?: string | undefined;
		  }>
		| undefined;
}
export interface AnyEvent {
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

export interface AppendAnyEvent {
	type: string;
	message?: string | undefined;
	/** The data of the event. */
	payload?: Record<string, unknown> | undefined;
	stage?: string | undefined;
}
