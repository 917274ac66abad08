/** From the messages of the API to the shapes of the contract. */
import { JobStatus as ApiStatus, type Job } from '../../native-helper/api/gen/joblet_pb.js';
import { jobSpecSchema } from '../../native-helper/api/job-spec.ts';
import { fieldsOf } from '../../native-helper/api/job-spec-message.ts';
import { JOB_STATUSES, type JobDetails, type JobRow, type JobStatus } from '../ipc/contract.ts';
import { logStateText } from './log-state-text.ts';

/** Characters of a command in a line of the list: more than any window shows. */
const COMMAND_CHARACTERS = 300;

export function statusOf(status: ApiStatus): JobStatus {
  const name = JOB_STATUSES.find((each) => ApiStatus[each] === status);
  if (name === undefined) {
    throw new Error(`status ${status} is not known`);
  }
  return name;
}

export function rowOf(job: Job): JobRow {
  const { spec } = job;
  return {
    uuid: job.uuid,
    name: spec?.name ?? '',
    command: commandText(spec?.command ?? '', spec?.args ?? []),
    status: statusOf(job.status),
    createdUs: Number(job.createdUs),
    startedUs: Number(job.startedUs),
    endedUs: Number(job.endedUs),
    dueUs: Number(job.dueUs),
    labels: Object.entries(spec?.labels ?? {}).map(([key, value]) =>
      value === '' ? key : `${key}=${value}`,
    ),
    exitCode: job.exitCode ?? null,
  };
}

export function detailsOf(job: Job): JobDetails {
  const { spec, failure, usage } = job;
  return {
    ...rowOf(job),
    spec: jobSpecSchema.parse(spec && fieldsOf(spec)),
    waitingFor: job.waitingFor,
    signal: job.signal ?? null,
    failure: failure
      ? {
          layer: failure.layer,
          operation: failure.operation,
          object: failure.object,
          reason: failure.cause,
          mend: failure.mend,
        }
      : null,
    usage: usage
      ? {
          cpuUserUs: Number(usage.cpuUserUs),
          cpuSystemUs: Number(usage.cpuSystemUs),
          memoryPeakBytes: numberOrNull(usage.memoryPeakBytes),
          pidsPeak: numberOrNull(usage.pidsPeak),
          oomKills: numberOrNull(usage.oomKills),
          pidsMaxHits: numberOrNull(usage.pidsMaxHits),
          cpuThrottledUs: numberOrNull(usage.cpuThrottledUs),
          memoryHighHits: numberOrNull(usage.memoryHighHits),
          memoryMaxHits: numberOrNull(usage.memoryMaxHits),
          ioReadBytes: numberOrNull(usage.ioReadBytes),
          ioWrittenBytes: numberOrNull(usage.ioWrittenBytes),
          cpuPressureUs: numberOrNull(usage.cpuPressureUs),
          memoryPressureUs: numberOrNull(usage.memoryPressureUs),
          ioPressureUs: numberOrNull(usage.ioPressureUs),
          pausedUs: numberOrNull(usage.pausedUs),
        }
      : null,
    denials: job.denials.map(({ call, count, firstUs, mend }) => ({
      call,
      count: count === 0n ? null : Number(count),
      firstUs: Number(firstUs),
      mend,
    })),
    report: job.report.map(({ layer, item, asked, kernel, ok }) => ({ layer, item, asked, kernel, ok })),
    ownerUid: job.ownerUid,
    nodeId: job.nodeId,
    logBytes: Number(job.logBytes),
    logState: job.logState === undefined ? '' : logStateText(job.logState),
    addresses: [...job.addresses],
    attempts: job.attempts.map(({ startedUs, endedUs, status, exitCode }) => ({
      startedUs: Number(startedUs),
      endedUs: Number(endedUs),
      status: statusOf(status),
      exitCode: exitCode ?? null,
    })),
  };
}

function numberOrNull(value: bigint | undefined): number | null {
  return value === undefined ? null : Number(value);
}

function commandText(command: string, args: readonly string[]): string {
  let text = command;
  for (const argument of args) {
    if (text.length > COMMAND_CHARACTERS) {
      break;
    }
    text += ` ${argument}`;
  }
  return text.length > COMMAND_CHARACTERS ? `${text.slice(0, COMMAND_CHARACTERS - 1)}…` : text;
}
