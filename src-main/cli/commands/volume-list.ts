import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { paintFor } from '../format/colour.ts';
import { jsonText } from '../format/json.ts';
import { volumeJson, volumeListText } from '../format/volume.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const { volumes } = await withClient(invocation, (client) => client.volumes.listVolumes({}));
  await cli.stdout.write(
    globals.json ? jsonText(volumes.map(volumeJson)) : volumeListText(volumes, paintFor(cli.stdout)),
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare: () => {}, run };
