import { everyWatcherHoldsTheSession } from './watch.ts';

everyWatcherHoldsTheSession({ watchers: 60, writers: 8, steps: 1000, restarts: 3 });
