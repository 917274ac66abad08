import type { Command } from 'commander';
import { parseDuration } from '../arguments/duration.ts';
import { declareJobId } from '../arguments/job-id.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { statusName } from '../format/status.ts';

interface JobStopFlags {
  readonly grace?: string;
}

function declare(command: Command): void {
  declareJobId(command).option(
    '--grace <time>',
    "time between SIGTERM and kill; 0s kills at once (default: the job's own)",
  );
}

async function run(invocation: Invocation<JobStopFlags>): Promise<number> {
  const { cli, flags, globals, operands } = invocation;
  const [id = ''] = operands;
  const grace = flags.grace === undefined ? {} : { graceMs: parseDuration(flags.grace, '--grace') };
  const job = await withClient(invocation, (client) => client.jobs.stopJob({ id, ...grace }));
  const status = statusName(job.status);
  await cli.stdout.write(
    globals.json
      ? jsonText({ job_uuid: job.uuid, status, exit_code: job.exitCode })
      : `Job stopped successfully:\nID: ${job.uuid}\nStatus: ${status}\n`,
  );
  return ExitCode.success;
}

export const command: CommandModule<JobStopFlags> = { declare, run, operand: 'running job' };
