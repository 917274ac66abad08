/** What each running job uses now. */
import { JobletError } from '../../native-helper/api/errors.ts';
import type { Metrics } from '../ipc/contract.ts';
import type { Link } from './link.ts';

// biome-ignore lint/correctness/useYield: there is nothing to tell until the API has it
export async function* streamMetrics(link: Link, signal: AbortSignal): AsyncGenerator<Metrics> {
  await link.connected(signal);
  throw new JobletError('refused', {
    layer: 'app',
    operation: 'watch',
    object: 'metrics',
    reason: 'the helper does not tell them yet',
    mend: '',
  });
}
