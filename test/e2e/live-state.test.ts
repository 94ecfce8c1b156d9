import { everyReaderHoldsTheSession } from './live-state.ts';

everyReaderHoldsTheSession({ writers: 8, readers: 4, writes: 12, restarts: 1 });
