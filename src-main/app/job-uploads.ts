/** Files of the user's on their way into jobs of the app's, in the background. A job waits for them, also while the app is closed. */
import type { Job, JobSpec } from '../../native-helper/api/gen/joblet_pb.js';
import type { CheckedJobSpec } from '../../native-helper/api/job-spec.ts';
import { isInterruption } from '../client/index.ts';
import { type LocalFile, localFilesOf } from '../client/local-tree.ts';
import { upload } from '../client/upload.ts';
import type { Link } from './link.ts';

export interface JobUploadsOptions {
  readonly link: Link;
  /** Told of what does not go on by itself. */
  readonly onFailure: (job: string, error: unknown) => void;
}

export class JobUploads implements Disposable {
  readonly #options: JobUploadsOptions;
  readonly #closing = new AbortController();

  constructor(options: JobUploadsOptions) {
    this.#options = options;
  }

  /**
   * Hands a job over, and begins to upload what it asks for.
   *
   * @throws JobletError: also for a file that can't be brought; then there is no job.
   */
  async run(spec: CheckedJobSpec): Promise<Job> {
    const local = await localFilesOf(spec.uploads);
    const job = await this.#options.link.client.jobs.runJob({ spec });
    if (spec.uploads.length > 0) {
      void this.#bring(job, local);
    }
    return job;
  }

  /**
   * Goes on where an upload ended; resolves when it has begun.
   *
   * @throws JobletError
   */
  async goOn(uuid: string): Promise<void> {
    const job = await this.#options.link.client.jobs.getJob({ id: uuid });
    void this.#bring(job, await localFilesOf(job.spec?.uploads ?? []));
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
  }

  async #bring({ uuid, spec }: Job, local: readonly LocalFile[]): Promise<void> {
    const { link, onFailure } = this.#options;
    const { signal } = this.#closing;
    try {
      let isDone = false;
      while (!isDone) {
        const { files, jobs } = await link.connected(signal);
        isDone = await upload({ files, jobs, uuid, local, signal }).then(() => true, unlessInterrupted);
      }
    } catch (error) {
      if (!signal.aborted) {
        onFailure(nameOf(uuid, spec), error);
      }
    }
  }
}

function unlessInterrupted(error: unknown): false {
  if (isInterruption(error)) {
    return false;
  }
  throw error;
}

function nameOf(uuid: string, spec: JobSpec | undefined): string {
  return spec?.name || uuid;
}
