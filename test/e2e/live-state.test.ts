import { everyReaderHoldsTheSession } from './live-state.ts';

everyReaderHoldsTheSession({ writers: 8, readers: 6, writes: 25, restarts: 1 });
