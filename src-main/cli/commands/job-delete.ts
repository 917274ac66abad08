import { declareJobId } from '../arguments/job-id.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals, operands } = invocation;
  const [id = ''] = operands;
  const { uuid } = await withClient(invocation, (client) => client.jobs.deleteJob({ id }));
  await cli.stdout.write(
    globals.json ? jsonText({ job_uuid: uuid, deleted: true }) : `Job deleted successfully:\nID: ${uuid}\n`,
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare: declareJobId, run, operand: 'ended job' };
