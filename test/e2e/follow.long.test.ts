import { everyFollowerSeesTheLog } from './follow.ts';

// A caller may have 100 open streams. The rest is for streams that break and are resumed before the service sees it.
everyFollowerSeesTheLog({ followers: 80, writers: 10, events: 500, restarts: 2 });
