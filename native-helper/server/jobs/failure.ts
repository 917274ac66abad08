/** Why a job failed, in words: what the executor or the helper says, with what the user can do about it. */
import { getSystemErrorName } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { causeOf, JobletError } from '../../api/errors.ts';
import { type Failure, FailureSchema } from '../../api/gen/joblet_pb.js';

const MEND_OF_PROCESS = 'Close other programs, or raise the limit on processes and open files.';

/** What to do, a sentence for each layer that can refuse or end a job. */
const MEND_OF_LAYER: Readonly<Record<string, string>> = {
  plan: 'Helper and executor do not fit together: install Joblet again.',
  build: 'Helper and executor do not fit together: install Joblet again.',
  cgroup: 'Run `joblet doctor`: it says which limits this machine can enforce.',
  limit: 'Run `joblet doctor`: it says which limits this machine can enforce.',
  namespace: 'Run `joblet doctor`: it says which namespaces this kernel gives.',
  mount: 'Check that the path exists on the host and is readable.',
  network: 'Run `joblet doctor`: it says what this kernel gives.',
  device: 'Run `joblet doctor`: it says which devices a job can have here.',
  credentials: 'Check jobs.user and jobs.group in the configuration of the helper.',
  landlock: 'Run `joblet doctor`: it says what this kernel’s Landlock can do.',
  seccomp: 'Run `joblet doctor`: it says whether this kernel has seccomp filters.',
  process: MEND_OF_PROCESS,
  kernel: MEND_OF_PROCESS,
  workdir: 'Give a folder that the job can enter with --workdir: /work, /tmp, or one of the system’s.',
  exec: 'Check the name and that it is executable; a job sees the system’s programs and what lies in /work.',
  report: 'This is a fault of Joblet: please report it with the output of `joblet job status --json`.',
  record: 'Free space on the disk of the state folder.',
  log: 'Free space on the disk of the state folder.',
  memory: 'Give the job more memory with --max-memory, or let it use less.',
  timeout: 'Give the job more time with --timeout.',
  monitor: 'See the log of the helper, then run the job again.',
  volume: 'See: joblet volume list.',
  secrets: 'Run the job again with its secrets.',
};

export interface FailureInWords {
  readonly layer: string;
  readonly operation: string;
  readonly object: string;
  readonly cause: string;
  /** Takes the place of the layer's own sentence. */
  readonly mend?: string;
}

export function failureOf({ layer, operation, object, cause, mend }: FailureInWords): Failure {
  return create(FailureSchema, {
    layer,
    operation,
    object,
    cause,
    mend: mend ?? MEND_OF_LAYER[layer] ?? '',
  });
}

/** An error of the helper as the reason why a job did not start. */
export function failureFrom(error: unknown): Failure {
  if (error instanceof JobletError) {
    const { reason, mend, ...rest } = error.details;
    return failureOf(mend === '' ? { ...rest, cause: reason } : { ...rest, cause: reason, mend });
  }
  const { syscall = 'start', path = '' } = error as NodeJS.ErrnoException;
  return failureOf({ layer: 'monitor', operation: syscall, object: path, cause: causeOf(error) });
}

/** `ENOENT` for 2; the executor's own words where no system call failed. */
export function causeInWords(errno: number, message: string): string {
  const name = errno > 0 ? getSystemErrorName(-errno) : '';
  return [name, message].filter((part) => part !== '').join(': ');
}
