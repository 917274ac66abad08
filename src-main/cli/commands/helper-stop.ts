import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  await withClient(invocation, (client) => client.helper.shutdown({}));
  await cli.stdout.write(
    globals.json
      ? jsonText({ stopped: true })
      : 'Helper stopped. Running jobs go on; the next helper adopts them.\n',
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare: () => {}, run };
