/** Why a job ended as it did, in words. */
import type { JobDetails } from '../../../src-main/ipc/contract.ts';
import { layerText } from '../../state/failure-text.ts';
import { formatDuration } from '../../state/format.ts';
import { text } from '../../text.ts';
import { isLive } from '../list/job-table.ts';
import { signalName } from './signals.ts';

export interface ExitReason {
  readonly tone: 'good' | 'warn' | 'bad' | 'idle';
  readonly title: string;
  /** What the helper says of it: a cause, then what mends it; empty when there is no more to say. */
  readonly cause: string;
  readonly mend: string;
}

/** Of a failure that kept the command from running, though its sandbox stood: execve(2). */
const EXEC_LAYER = 'exec';

/** @returns undefined as long as the job has not ended. */
export function exitReasonOf(job: JobDetails): ExitReason | undefined {
  if (isLive(job.status)) {
    return undefined;
  }
  const { failure } = job;
  const told = failure === null ? evidenceOf(job) : { cause: layerText(failure), mend: failure.mend };
  return { ...wordsOf(job), ...told };
}

/** The kernel's counts explain a failure that the command itself only had an error of its own for. */
function evidenceOf({ status, usage }: JobDetails): Pick<ExitReason, 'cause' | 'mend'> {
  const refused = status === 'FAILED' ? (usage?.pidsMaxHits ?? 0) : 0;
  return refused === 0
    ? { cause: '', mend: '' }
    : { cause: text.exit.refusedProcesses(refused), mend: text.exit.moreProcesses };
}

function wordsOf(job: JobDetails): Pick<ExitReason, 'tone' | 'title'> {
  const { status, signal, exitCode, usage, spec } = job;
  const words = text.exit;
  switch (status) {
    case 'COMPLETED':
      return { tone: 'good', title: words.completed };
    case 'TIMEOUT':
      return { tone: 'bad', title: words.timeout(formatDuration(Number(spec.timeoutMs) * 1000)) };
    case 'LOST':
      return { tone: 'bad', title: words.lost };
    case 'CANCELED':
      return { tone: 'idle', title: words.canceled };
    case 'STOPPED':
      return { tone: 'idle', title: signal === null ? words.stopped : words.stoppedBy(signalName(signal)) };
    default:
      break;
  }
  if (job.failure?.layer === 'memory') {
    return { tone: 'bad', title: words.outOfMemory(usage?.oomKills ?? 0) };
  }
  if (job.failure !== null) {
    return { tone: 'bad', title: didNotRun(job) ? words.refused : words.failed };
  }
  if (signal !== null) {
    return { tone: 'bad', title: words.killed(signalName(signal), signal) };
  }
  return { tone: 'bad', title: exitCode === null ? words.unknown : words.code(exitCode) };
}

function didNotRun({ startedUs, failure }: JobDetails): boolean {
  return startedUs === 0 || failure?.layer === EXEC_LAYER;
}
