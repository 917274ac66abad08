import type { CommandModule, Invocation } from '../cli.ts';
import { ownConfiguration } from '../configuration.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { table } from '../format/table.ts';

async function run({ cli, globals }: Invocation<object>): Promise<number> {
  const { config } = ownConfiguration(globals);
  const nodes = Object.entries(config.nodes).map(([name, { address, nodeId, isDefault }]) => ({
    name,
    address,
    node_id: nodeId,
    is_default: isDefault === true,
  }));
  const rows = nodes.map(({ name, address, node_id, is_default }) => [
    name,
    node_id ?? '-',
    is_default ? 'yes' : 'no',
    address,
  ]);
  await cli.stdout.write(
    globals.json ? jsonText(nodes) : table(['NAME', 'NODE ID', 'DEFAULT', 'ADDRESS'], rows),
  );
  return ExitCode.success;
}

export const command: CommandModule = { declare: () => {}, run };
