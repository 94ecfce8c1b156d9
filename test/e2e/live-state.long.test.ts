import { everyReaderHoldsTheSession } from './live-state.ts';

everyReaderHoldsTheSession({ writers: 8, readers: 40, writes: 150, restarts: 3 });
