import type { Command } from 'commander';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';

function declare(command: Command): void {
  command.argument('<id>', "the job's id, or its first characters (8 are enough when unique)");
}

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals, operands } = invocation;
  const [id = ''] = operands;
  const { uuid } = await withClient(invocation, (client) => client.jobs.deleteJob({ id }));
  await cli.stdout.write(
    globals.json ? jsonText({ job_uuid: uuid, deleted: true }) : `Job deleted successfully:\nID: ${uuid}\n`,
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare, run, operand: 'ended job' };
