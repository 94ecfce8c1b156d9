/** Every field of a session in the order of the wire, each with its column. */
export const columnOf = {
	assemblyState: 'assembly_state',
	catalogVersion: 'catalog_version',
	createdAt: 'created_at',
	expiresAt: 'expires_at',
	id: 'id',
	organizationId: 'organization_id',
	plan: 'plan',
	prd: 'prd',
	productObject: 'product_object',
	productObjectHash: 'product_object_hash',
	schemaVersion: 'schema_version',
	status: 'status',
	updatedAt: 'updated_at',
	userId: 'user_id',
} as const;
export type SessionField = keyof typeof columnOf;
export const sessionFields = Object.keys(columnOf) as SessionField[];

/** The fields that a change can set, each with its column. */
export const changeableColumns = {
	assemblyState: columnOf.assemblyState,
	expiresAt: columnOf.expiresAt,
	plan: columnOf.plan,
	prd: columnOf.prd,
	productObject: columnOf.productObject,
	productObjectHash: columnOf.productObjectHash,
	status: columnOf.status,
} as const;

/** The fields that hold an object, each with its column. */
export const objectColumns = {
	assemblyState: columnOf.assemblyState,
	plan: columnOf.plan,
	prd: columnOf.prd,
	productObject: columnOf.productObject,
} as const;
export type ObjectField = keyof typeof objectColumns;
export type ObjectColumn = (typeof objectColumns)[ObjectField];
export const isObjectField = (field: SessionField): field is ObjectField =>
	Object.hasOwn(objectColumns, field);
export const objectFields = sessionFields.filter(isObjectField);
export const objectFieldsOf = (fields: readonly SessionField[]): ObjectField[] =>
	fields.filter(isObjectField);

/** The fields of a session with its events, in the order of the wire. */
export const detailsFields = sessionFields.flatMap((field) =>
	field === 'createdAt' ? ([field, 'events'] as const) : [field],
);
export type DetailsField = (typeof detailsFields)[number];
