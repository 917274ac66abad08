/** What one job has used from its start, and goes on using. */
import type { JobMetrics } from '../../../api/gen/joblet_pb.js';
import { metricsOf } from './message.ts';
import { readSamples, type SampleFileState } from './sample-file.ts';

export interface HistoryRequest {
  readonly uuid: string;
  readonly path: string;
  /** Whether to go on until the job has ended. */
  readonly follow: boolean;
  readonly hasEnded: () => boolean;
  /** Calls back when there may be more, or the job has ended. */
  readonly onChange: (listener: () => void) => Disposable;
  readonly signal: AbortSignal;
}

/** Who reads slowly is given what has come meanwhile, at the resolution that the file has then. */
export async function* readHistory(request: HistoryRequest): AsyncGenerator<JobMetrics> {
  const { uuid, path, follow, hasEnded, onChange, signal } = request;
  let seen: SampleFileState = { samples: 0, period: 0 };
  let lastUs = 0n;
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  using _ = onChange(wake);
  signal.addEventListener('abort', wake, { once: true });
  while (!signal.aborted) {
    changed = Promise.withResolvers();
    // Asked for before the file is read: what is written before the end is in it then.
    const isLast = !follow || hasEnded();
    const found = readNew(path, seen);
    for (const sample of found?.read ?? []) {
      if (sample.timeUs > lastUs) {
        lastUs = sample.timeUs;
        yield metricsOf(uuid, sample);
      }
    }
    if (isLast) {
      return;
    }
    seen = found ?? seen;
    await changed.promise;
  }
}

/** From the start again when the file was thinned out. */
function readNew(path: string, { samples, period }: SampleFileState) {
  const found = readSamples(path, samples);
  return found === undefined || found.period === period ? found : readSamples(path, 0);
}
