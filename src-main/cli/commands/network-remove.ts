import type { Command } from 'commander';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';

function declare(command: Command): void {
  command.argument('<name>', 'as `network list` names it');
}

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals, operands } = invocation;
  const [name = ''] = operands;
  await withClient(invocation, (client) => client.networks.removeNetwork({ name }));
  await cli.stdout.write(
    globals.json ? jsonText({ name, removed: true }) : `Network '${name}' removed successfully\n`,
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare, run };
