import { everyFollowerSeesTheLog } from './follow.ts';

everyFollowerSeesTheLog({ followers: 20, writers: 5, events: 100, restarts: 1 });
