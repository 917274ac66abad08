/** What `job run` tells of the job that it has handed over. */
import type { Job } from '../../../native-helper/api/gen/joblet_pb.js';
import { displayedCommand } from './command.ts';
import { shownEnvironment, shownSecrets } from './environment.ts';
import { escapeControlCharacters } from './escape.ts';
import { statusName } from './status.ts';
import { localTime, rfc3339 } from './time.ts';

/** @param uploaded files; undefined: none were asked for */
export function submissionText(job: Job, uploaded?: number): string {
  const lines = [
    'Job submitted:',
    `ID: ${job.uuid}`,
    `Command: ${displayedCommand(job.spec)}`,
    `Status: ${statusName(job.status)}`,
    ...(job.dueUs ? [`Scheduled: ${localTime(job.dueUs)}`] : []),
    ...(job.waitingFor && !job.dueUs ? [`Waiting For: ${job.waitingFor}`] : []),
    ...(uploaded === undefined ? [] : [uploadedLine(uploaded)]),
  ];
  return lines.map((line) => `${escapeControlCharacters(line)}\n`).join('');
}

export function uploadedLine(files: number): string {
  return `Files: ${files} uploaded successfully`;
}

export function submissionJson(job: Job, uploaded?: number): Readonly<Record<string, unknown>> {
  const { command = '', args = [], environment = {}, secretEnvironment = {} } = job.spec ?? {};
  return {
    job_uuid: job.uuid,
    command,
    args,
    status: statusName(job.status),
    schedule: rfc3339(job.dueUs) || undefined,
    files_uploaded: uploaded,
    env_vars: filled(shownEnvironment(environment)),
    secret_env_vars: filled(shownSecrets(secretEnvironment)),
    waiting_for: job.waitingFor || undefined,
  };
}

function filled(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  return Object.keys(variables).length === 0 ? undefined : variables;
}
