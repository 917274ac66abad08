import type { Command } from 'commander';
import type { JobMetrics } from '../../../native-helper/api/gen/joblet_pb.js';
import { declareJobId } from '../arguments/job-id.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { untilDetached } from '../detach.ts';
import { ExitCode } from '../errors.ts';
import { metricsJson, metricsText } from '../format/metrics.ts';

interface JobMetricsFlags {
  readonly follow: boolean;
}

function declare(command: Command): void {
  declareJobId(command).option('--no-follow', 'only what there is by now, and not until the end of the job');
}

/** What the job used from its start, then what it uses until it ends. With `--json` one object a line. */
async function run(invocation: Invocation<JobMetricsFlags>): Promise<number> {
  const { cli, flags, globals, operands } = invocation;
  const [id = ''] = operands;
  return withClient(invocation, async (client) => {
    const job = await client.jobs.getJob({ id });
    return untilDetached(cli, [job.uuid], async (signal) => {
      let before: JobMetrics | undefined;
      for await (const metrics of client.jobs.getMetrics(
        { id: job.uuid, follow: flags.follow },
        { signal },
      )) {
        await cli.stdout.write(
          globals.json ? metricsJson(metrics, before, job) : metricsText(metrics, before, job),
        );
        before = metrics;
      }
      if (before === undefined && !globals.json) {
        await cli.stderr.write(
          `${cli.programName}: job ${job.uuid}: nothing was measured: it ran for less than a second\n`,
        );
      }
      return ExitCode.success;
    });
  });
}

export const command: CommandModule<JobMetricsFlags> = { declare, run, operand: 'job' };
