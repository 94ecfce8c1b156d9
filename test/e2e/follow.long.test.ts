import { everyFollowerSeesTheLog } from './follow.ts';

// Half of the streams are cut within four seconds, so more followers of one caller wait for their look-ups, two at once.
everyFollowerSeesTheLog({ followers: 80, writers: 10, events: 500, restarts: 2 });
