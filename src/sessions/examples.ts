/** The examples of the OpenAPI document. The values follow the published reference where it has any. */
export const sessionId = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';

export const create = {
	catalogVersion: '2026-01',
	prd: { title: 'Support assistant', goals: ['Answer questions about orders'] },
	schemaVersion: '1.0',
};

export const update = { status: 'generating', plan: { steps: ['outline', 'build', 'review'] } } as const;

export const merge = { plan: { owner: 'worker-7', draft: null } };

export const session = {
	assemblyState: null,
	catalogVersion: '2026-01',
	createdAt: '2026-01-15T09:30:00.000Z',
	expiresAt: '2026-01-22T09:30:00.000Z',
	id: sessionId,
	organizationId: 'org_2f8kq',
	plan: { steps: ['outline', 'build', 'review'] },
	prd: create.prd,
	productObject: null,
	productObjectHash: null,
	schemaVersion: '1.0',
	status: 'generating',
	updatedAt: '2026-01-15T09:31:12.250Z',
	userId: 'user_2f8kp',
} as const;
