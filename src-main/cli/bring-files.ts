/** Files on their way into a job that waits for them. */
import type { Job } from '../../native-helper/api/gen/joblet_pb.js';
import type { LocalFile } from '../client/local-tree.ts';
import { upload } from '../client/upload.ts';
import type { Invocation } from './cli.ts';
import type { Client } from './connection.ts';
import { progressOn, shareText } from './progress.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

interface Burden {
  readonly client: Client;
  readonly uuid: string;
  readonly files: readonly LocalFile[];
}

/**
 * Uploads until all is there, or this process is told to end. When it does not come to that, standard error says how to go on.
 *
 * @returns the job, which now waits for its start only; or what to exit with
 * @throws JobletError
 */
export async function bringFiles(
  invocation: Pick<Invocation<never>, 'cli' | 'globals'>,
  { client, uuid, files }: Burden,
): Promise<{ readonly job: Job } | { readonly exitCode: number }> {
  const { cli } = invocation;
  const told = new AbortController();
  let exitCode: number | undefined;
  const onSignal = (_name: NodeJS.Signals, number: number): void => {
    exitCode = 128 + number;
    told.abort();
  };
  for (const name of SIGNALS) {
    process.once(name, onSignal);
  }
  const progress = progressOn(invocation);
  try {
    const job = await upload({
      files: client.files,
      jobs: client.jobs,
      uuid,
      local: files,
      signal: told.signal,
      onProgress: ({ files: done, allFiles, bytes, allBytes }) =>
        progress(`uploading: ${done} of ${allFiles} files, ${shareText(bytes, allBytes)}`),
      onInterruption: () => progress('uploading: the helper went away; waiting for it'),
    });
    progress('');
    return { job };
  } catch (error) {
    progress('');
    const { programName } = cli;
    await cli.stderr.write(
      `${programName}: job ${uuid} waits for its files. Go on where it ended: ${programName} job upload ${uuid}; ` +
        `give it up: ${programName} job cancel ${uuid}\n`,
    );
    if (exitCode === undefined) {
      throw error;
    }
    return { exitCode };
  } finally {
    for (const name of SIGNALS) {
      process.off(name, onSignal);
    }
  }
}
