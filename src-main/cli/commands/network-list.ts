import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { networkListText, networkRow } from '../format/network.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const { networks } = await withClient(invocation, (client) => client.networks.listNetworks({}));
  await cli.stdout.write(globals.json ? jsonText(networks.map(networkRow)) : networkListText(networks));
  return ExitCode.success;
}

export const command: CommandModule = { declare: () => {}, run };
