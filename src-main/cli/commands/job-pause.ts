import { declareJobId } from '../arguments/job-id.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { statusName } from '../format/status.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals, operands } = invocation;
  const [id = ''] = operands;
  const job = await withClient(invocation, (client) => client.jobs.pauseJob({ id }));
  const status = statusName(job.status);
  await cli.stdout.write(
    globals.json
      ? jsonText({ job_uuid: job.uuid, status })
      : `Job paused:\nID: ${job.uuid}\nStatus: ${status}\n`,
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare: declareJobId, run, operand: 'running job' };
