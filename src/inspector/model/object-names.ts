/** The four objects of a session, in the order that a generation makes them. */
export const OBJECTS = ['prd', 'plan', 'productObject', 'assemblyState'] as const;
export type ObjectName = (typeof OBJECTS)[number];

/** The objects as JSON texts; 'null' where there is none. */
export type ExactObjects = Readonly<Record<ObjectName, string>>;

/** What people call them. */
export const TITLES: Record<ObjectName, string> = {
	prd: 'PRD',
	plan: 'Plan',
	productObject: 'Product object',
	assemblyState: 'Assembly state',
};
