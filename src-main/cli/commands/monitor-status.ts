import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { machineJson, machineText, SECTIONS } from '../format/machine.ts';
import { firstReading } from '../machine-reading.ts';

/** Long enough to see how busy the cores are, ms. */
const SAMPLE_MS = 500;

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const reading = await withClient(invocation, (client) => firstReading(client, globals.root, SAMPLE_MS));
  await cli.stdout.write(
    globals.json ? jsonText(machineJson(reading, SECTIONS)) : machineText(reading, SECTIONS),
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare: () => {}, run };
