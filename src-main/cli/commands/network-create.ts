import type { Command } from 'commander';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { networkRow } from '../format/network.ts';

interface Flags {
  readonly cidr: string;
}

function declare(command: Command): void {
  command
    .argument('<name>', '1 to 63 letters, digits, - and _')
    .requiredOption('--cidr <range>', 'its IPv4 addresses, such as 10.88.0.0/24');
}

async function run(invocation: Invocation<Flags>): Promise<number> {
  const { cli, flags, globals, operands } = invocation;
  const [name = ''] = operands;
  const network = await withClient(invocation, (client) =>
    client.networks.createNetwork({ name, cidr: flags.cidr }),
  );
  await cli.stdout.write(
    globals.json
      ? jsonText(networkRow(network))
      : `Network created successfully:\nName: ${network.name}\nCIDR: ${network.cidr}\nBridge: ${network.bridge}\n`,
  );
  return ExitCode.success;
}

export const command: CommandModule<Flags> = { declare, run };
