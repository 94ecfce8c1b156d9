import { everyWatcherHoldsTheSession } from './watch.ts';

everyWatcherHoldsTheSession({ watchers: 10, writers: 4, steps: 150, restarts: 1 });
