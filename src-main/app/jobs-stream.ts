/** The list of jobs as a stream: all of it, then what changes; told anew after the helper was away. */
import type { JobEvent } from '../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../client/index.ts';
import type { JobsItem } from '../ipc/contract.ts';
import { rowOf } from './job-shapes.ts';
import type { Link } from './link.ts';

const PAGE_SIZE = 1000;
/** Changes that come close together go as one item, ms. */
const GATHER_MS = 50;

export async function* streamJobs(link: Link, signal: AbortSignal): AsyncGenerator<JobsItem> {
  while (!signal.aborted) {
    const client = await link.connected(signal);
    const changes = new Changes();
    using _ = link.onJobEvent((event) => changes.add(event));
    using __ = link.onConnection(() => changes.end());
    try {
      yield* listAll(client, signal);
    } catch {
      // The helper went away while it told; the next one is asked again.
      await link.afterLossOf(client, signal);
      continue;
    }
    yield* changes.items(signal);
  }
}

async function* listAll(client: Client, signal: AbortSignal): AsyncGenerator<JobsItem> {
  yield { kind: 'begin' };
  let pageToken = '';
  do {
    const { jobs, nextPageToken } = await client.jobs.listJobs(
      { pageSize: PAGE_SIZE, pageToken },
      { signal },
    );
    yield { kind: 'rows', rows: jobs.map(rowOf) };
    pageToken = nextPageToken;
  } while (pageToken !== '');
  yield { kind: 'complete' };
}

/** Gathers events until they are fetched: of one job the newest. */
class Changes {
  readonly #events = new Map<string, JobEvent>();
  #isOver = false;
  #wake: () => void = () => {};

  add(event: JobEvent): void {
    if (event.job !== undefined) {
      this.#events.set(event.job.uuid, event);
      this.#wake();
    }
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *items(signal: AbortSignal): AsyncGenerator<JobsItem> {
    const onAbort = () => this.end();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!this.#isOver) {
        if (this.#events.size === 0) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
        }
        yield* this.#take();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  *#take(): Generator<JobsItem> {
    const events = [...this.#events.values()];
    this.#events.clear();
    const rows = events.flatMap(({ job, deleted }) => (deleted || job === undefined ? [] : [rowOf(job)]));
    const uuids = events.flatMap(({ job, deleted }) => (deleted && job !== undefined ? [job.uuid] : []));
    if (rows.length > 0) {
      yield { kind: 'changed', rows };
    }
    if (uuids.length > 0) {
      yield { kind: 'removed', uuids };
    }
  }
}
