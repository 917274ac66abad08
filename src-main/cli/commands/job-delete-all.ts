import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const { deleted, skippedRunning } = await withClient(invocation, (client) => client.jobs.deleteAllJobs({}));
  await cli.stdout.write(
    globals.json
      ? jsonText({ deleted, skipped_running: skippedRunning })
      : `Jobs deleted successfully:\nDeleted: ${deleted}\nSkipped (still running): ${skippedRunning}\n`,
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare: () => {}, run };
