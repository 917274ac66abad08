import { declareJobId } from '../arguments/job-id.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jobStatusText } from '../format/job-status.ts';
import { jobStatusJson } from '../format/job-status-json.ts';
import { jsonText } from '../format/json.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals, operands } = invocation;
  const [id = ''] = operands;
  const job = await withClient(invocation, (client) => client.jobs.getJob({ id }));
  const nowUs = BigInt(Date.now()) * 1000n;
  await cli.stdout.write(globals.json ? jsonText(jobStatusJson(job)) : jobStatusText(job, nowUs));
  return ExitCode.success;
}

export const command: CommandModule = { declare: declareJobId, run, operand: 'job' };
