/** The types of a program's own objects and events, which the service stores without knowing them. */
import type { AnyEvent, AppendAnyEvent } from './types.ts';

/**
 * What a program keeps in its sessions: the type of the payload for each type of event, and the types of the four objects.
 * What is left out is any object.
 */
export interface Types {
	events?: object;
	plan?: object;
	prd?: object;
	productObject?: object;
	assemblyState?: object;
}

/** Names no type, so that every object is any object. */
export type Untyped = Record<never, never>;

type Given<T extends Types, Name> = Name extends keyof T ? NonNullable<T[Name]> : undefined;

/** An object as it is read. */
export type Stored<T extends Types, Name extends keyof Types> =
	Given<T, Name> extends object ? Given<T, Name> : Record<string, unknown>;

/** An object as it is sent. An array is none. */
export type Sent<T extends Types, Name extends keyof Types> =
	Given<T, Name> extends object ? Given<T, Name> : AnyObject;

/** A part of an object, to merge into it: null removes a member (RFC 7396). */
export type Patch<T extends Types, Name extends keyof Types> =
	Given<T, Name> extends object ? DeepPartial<Given<T, Name>> : AnyObject;

/** Any object, also one of an interface, and no array. */
export type AnyObject = Record<string, unknown> | (object & { [Symbol.iterator]?: never });

/** The same with each member optional, or null to remove it, and so on within. Arrays are replaced as a whole. */
export type DeepPartial<Value> = Value extends readonly unknown[]
	? Value
	: Value extends object
		? { [Name in keyof Value]?: DeepPartial<Value[Name]> | null | undefined }
		: Value;

/** An event as it is read: with its own payload for each type of event that the program names. */
export type Event<T extends Types = Untyped> =
	Given<T, 'events'> extends infer Events extends object
		? { [Name in keyof Events & string]: EventOf<Name, Events[Name]> }[keyof Events & string]
		: AnyEvent;

/** An event of one type. */
export interface EventOf<Name extends string, Payload> extends Omit<AnyEvent, 'type' | 'payload'> {
	type: Name;
	payload: Payload;
}

/** An event as it is appended. */
export type AppendEvent<T extends Types = Untyped> =
	Given<T, 'events'> extends infer Events extends object
		? { [Name in keyof Events & string]: AppendEventOf<Name, Events[Name]> }[keyof Events & string]
		: AppendUntypedEvent;

/** An event of any type as it is appended. */
export interface AppendUntypedEvent extends Omit<AppendAnyEvent, 'payload'> {
	/** The data of the event. */
	payload?: AnyObject | undefined;
}

/** An event of one type as it is appended. The payload may be left out where it may be empty. */
export type AppendEventOf<Name extends string, Payload> = Omit<AppendAnyEvent, 'type' | 'payload'> & {
	type: Name;
} & (Untyped extends Payload ? { payload?: Payload | undefined } : { payload: Payload });
