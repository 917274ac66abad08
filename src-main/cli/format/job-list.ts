import type { Job } from '../../../native-helper/api/gen/joblet_pb.js';
import { megabytes } from '../arguments/size.ts';
import { type Paint, unpainted } from './colour.ts';
import { displayedCommand } from './command.ts';
import { escapeControlCharacters } from './escape.ts';
import { hasEnded, statusName } from './status.ts';
import { table } from './table.ts';
import { localTime, rfc3339 } from './time.ts';

/** Characters of a command that a row of `job list` shows. */
const COMMAND_WIDTH = 80;
/** `job status` says what of it. */
const DAMAGED = '[damaged] ';
/** Of the failure of a job that the helper could not read whole. */
const STATE_LAYER = 'state';

export function jobListText(jobs: readonly Job[], paint: Paint = unpainted): string {
  if (jobs.length === 0) {
    return 'No jobs found\n';
  }
  const rows = jobs.map((job) => [
    job.uuid,
    job.nodeId,
    statusName(job.status),
    localTime(job.startedUs),
    shortened(`${isDamaged(job) ? DAMAGED : ''}${escapeControlCharacters(displayedCommand(job.spec))}`),
  ]);
  return table(['ID', 'NODE ID', 'STATUS', 'START TIME', 'COMMAND'], rows, paint);
}

function isDamaged({ failure }: Job): boolean {
  return failure?.layer === STATE_LAYER;
}

function shortened(command: string): string {
  const characters = [...command];
  return characters.length <= COMMAND_WIDTH
    ? command
    : `${characters.slice(0, COMMAND_WIDTH - 3).join('')}...`;
}

/** A row of `job list --json`. Limits are in the units of the flags: percent and megabytes. */
export function jobListRow(job: Job): Readonly<Record<string, unknown>> {
  const limits = job.spec?.limits;
  return {
    id: job.uuid,
    name: job.spec?.name || undefined,
    node_id: job.nodeId || undefined,
    status: statusName(job.status),
    start_time: rfc3339(job.startedUs),
    end_time: rfc3339(job.endedUs) || undefined,
    command: job.spec?.command ?? '',
    args: job.spec?.args.length ? job.spec.args : undefined,
    exit_code: hasEnded(job) ? job.exitCode : undefined,
    max_cpu: limits?.cpuPercent,
    max_memory: limits?.memoryBytes === undefined ? undefined : megabytes(limits.memoryBytes),
    max_iobps: limits?.ioBytesPerSecond,
    cpu_cores: limits?.cpuCores,
    scheduled_time: rfc3339(job.spec?.startAtUs ?? 0n) || undefined,
    labels: Object.keys(job.spec?.labels ?? {}).length > 0 ? job.spec?.labels : undefined,
    attempts: job.spec?.retry?.attempts ? job.attempts.length + 1 : undefined,
    created_time: rfc3339(job.createdUs),
    waiting_for: job.waitingFor || undefined,
    damage: isDamaged(job) ? `${job.failure?.object}: ${job.failure?.cause}` : undefined,
  };
}
