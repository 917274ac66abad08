import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { paintFor } from '../format/colour.ts';
import { jsonText } from '../format/json.ts';
import { jobUseJson, jobUseText } from '../format/machine.ts';
import { firstReading } from '../machine-reading.ts';

/** In it each job is heard of twice, ms. */
const SAMPLE_MS = 1200;

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const { jobs } = await withClient(invocation, (client) => firstReading(client, globals.root, SAMPLE_MS));
  await cli.stdout.write(
    globals.json ? jsonText(jobs.map(jobUseJson)) : jobUseText(jobs, paintFor(cli.stdout)),
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare: () => {}, run };
