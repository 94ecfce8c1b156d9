/// <reference types="vite/types/importMeta.d.ts" />
import type { D1Migration } from 'cloudflare:test';
import type { Bindings } from '../../src/core/settings.ts';

declare global {
	namespace Cloudflare {
		interface Env extends Bindings {
			MIGRATIONS: D1Migration[];
			FURTHER_1: D1Database;
			FURTHER_2: D1Database;
			FURTHER_3: D1Database;
			FURTHER_4: D1Database;
			DATASET: AnalyticsEngineDataset;
		}
		interface GlobalProps {
			mainModule: typeof import('../../src/index.ts');
		}
	}
}
