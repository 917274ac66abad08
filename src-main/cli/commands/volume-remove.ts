import type { Command } from 'commander';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';

function declare(command: Command): void {
  command.argument('<name>', 'the volume; no job that has not ended may use it');
}

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals, operands } = invocation;
  const [name = ''] = operands;
  await withClient(invocation, (client) => client.volumes.removeVolume({ name }));
  await cli.stdout.write(
    globals.json
      ? jsonText({ name, removed: true })
      : `Volume '${escapeControlCharacters(name)}' removed successfully\n`,
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare, run };
