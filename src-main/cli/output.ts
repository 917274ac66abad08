/** Writing to standard output and standard error: exact bytes, back-pressure, and readers that go away. */

import { causeOf, JobletError } from '../../native-helper/api/errors.ts';

/** The reader of standard output is gone (EPIPE). Nobody is left to be told. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe';
}

export interface Sink {
  /** Whether colour may be used: on a terminal, and not switched off. */
  readonly hasColour: boolean;
  /**
   * Resolves when the kernel has taken every byte, so that a slow reader slows the writer down and nothing is lost when
   * the process ends. Rejects with BrokenPipe when nobody reads any more, with a JobletError when it can't be written.
   */
  write(data: string | Uint8Array): Promise<void>;
}

interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/**
 * The sink of one of the process's streams.
 *
 * @param name of the stream, for errors
 * @param environment is asked for NO_COLOR (no-color.org) and TERM
 */
export function sinkOf(
  stream: OutputStream,
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Sink {
  // Each write reports its own error; without a listener the first one would end the process.
  stream.on('error', () => {});
  return {
    hasColour: stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb',
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error?: NodeJS.ErrnoException | null) => {
          if (error == null) {
            resolve();
          } else {
            reject(
              isBrokenPipe(error) ? new BrokenPipe(error.code, { cause: error }) : unwritable(name, error),
            );
          }
        });
      }),
  };
}

function unwritable(name: string, error: NodeJS.ErrnoException): JobletError {
  return new JobletError(
    'unavailable',
    { layer: '', operation: 'write', object: name, reason: causeOf(error), mend: '' },
    { cause: error },
  );
}

/** A stream that has failed once answers every later write with ERR_STREAM_DESTROYED. */
function isBrokenPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
}
