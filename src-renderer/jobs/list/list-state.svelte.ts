/** How the list was left, so that one finds it so again on coming back from a job. */
import { jobs } from '../../state/jobs.svelte.ts';
import type { Filter } from './job-table.ts';
import { Listing, NEWEST_FIRST, type Sort } from './listing.ts';
import { NOTHING_CHOSEN, type Selection } from './selection.ts';

class ListState {
  readonly listing = new Listing(jobs.table);
  filter = $state<Filter>('all');
  search = $state('');
  sort = $state.raw<Sort>(NEWEST_FIRST);
  selection = $state.raw<Selection>(NOTHING_CHOSEN);
  /** Pixels. */
  scrollTop = 0;
}

export const list = new ListState();
