import { everyFollowerSeesTheLog } from './follow.ts';

everyFollowerSeesTheLog({ followers: 200, writers: 10, events: 500, restarts: 2 });
