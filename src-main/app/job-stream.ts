/** One job's details, anew at each change, as long as it exists. */
import { JobletError } from '../../native-helper/api/errors.ts';
import { isInterruption } from '../client/index.ts';
import type { JobDetails } from '../ipc/contract.ts';
import { detailsOf } from './job-shapes.ts';
import type { Link } from './link.ts';

export async function* streamJob(link: Link, uuid: string, signal: AbortSignal): AsyncGenerator<JobDetails> {
  while (!signal.aborted) {
    const client = await link.connected(signal);
    try {
      for await (const { deleted } of client.jobs.watchJobs({ ids: [uuid] }, { signal })) {
        if (deleted) {
          return;
        }
        yield detailsOf(await client.jobs.getJob({ id: uuid }, { signal }));
      }
      return;
    } catch (error) {
      if (error instanceof JobletError && error.kind === 'not_found') {
        return;
      }
      if (!isInterruption(error)) {
        throw error;
      }
      await link.afterLossOf(client, signal);
    }
  }
}
