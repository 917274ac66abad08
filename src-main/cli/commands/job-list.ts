import type { Command } from 'commander';
import type { Job, JobStatus } from '../../../native-helper/api/gen/joblet_pb.js';
import { parseWholeNumber } from '../arguments/number.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { type Client, withClient } from '../connection.ts';
import { ExitCode, usageError } from '../errors.ts';
import { paintFor } from '../format/colour.ts';
import { jobListRow, jobListText } from '../format/job-list.ts';
import { jsonText } from '../format/json.ts';
import { statusNames, statusOfName } from '../format/status.ts';

interface JobListFlags {
  readonly status?: readonly string[];
  readonly name?: string;
  readonly command?: string;
  readonly label?: readonly string[];
  readonly limit?: string;
}

/** The most that ListJobs gives at once. */
const PAGE_SIZE = 1000;

const collect = (value: string, before: readonly string[] = []): string[] => [...before, ...value.split(',')];

function declare(command: Command): void {
  command
    .option('--status <status>', 'only jobs in this state; may be given again', collect)
    .option('--name <text>', 'only jobs whose name holds this text')
    .option('--command <text>', 'only jobs whose command holds this text')
    .option('--label <KEY[=VALUE]>', 'only jobs that have this label; may be given again', collect)
    .option('--limit <count>', 'at most so many, the newest');
}

async function run(invocation: Invocation<JobListFlags>): Promise<number> {
  const { cli, flags, globals } = invocation;
  const limit = flags.limit === undefined ? undefined : limitOf(flags.limit);
  const status = (flags.status ?? []).map(statusNamed);
  const jobs = await withClient(invocation, (client) =>
    listJobs(
      client,
      {
        status,
        nameContains: flags.name ?? '',
        commandContains: flags.command ?? '',
        labels: [...(flags.label ?? [])],
      },
      limit,
    ),
  );
  await cli.stdout.write(
    globals.json ? jsonText(jobs.map(jobListRow)) : jobListText(jobs, paintFor(cli.stdout)),
  );
  return ExitCode.success;
}

function limitOf(text: string): number {
  const limit = Number(parseWholeNumber(text, '--limit'));
  if (limit === 0) {
    throw usageError('--limit', 'must be at least 1', 'Leave it out for all jobs.');
  }
  return limit;
}

function statusNamed(name: string): JobStatus {
  const status = statusOfName(name);
  if (status === undefined) {
    throw usageError('--status', `'${name}' is not a state`, `One of: ${statusNames.join(', ')}.`);
  }
  return status;
}

interface JobFilter {
  readonly status: JobStatus[];
  readonly nameContains: string;
  readonly commandContains: string;
  readonly labels: string[];
}

async function listJobs(client: Client, filter: JobFilter, limit = Number.POSITIVE_INFINITY): Promise<Job[]> {
  const jobs: Job[] = [];
  let pageToken = '';
  do {
    const pageSize = Math.min(PAGE_SIZE, limit - jobs.length);
    const page = await client.jobs.listJobs({ ...filter, pageSize, pageToken });
    jobs.push(...page.jobs);
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && jobs.length < limit);
  return jobs;
}

export const command: CommandModule<JobListFlags> = { declare, run };
