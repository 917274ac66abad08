import { JobletError } from '../../../native-helper/api/errors.ts';
import { faultsOfNode } from '../../client/index.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { ownConfiguration } from '../configuration.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';

interface CheckedNode {
  readonly name: string;
  /** In words; empty when nothing is wrong. */
  readonly faults: readonly string[];
}

/** Owner, mode and form of the file are checked by reading it; what is wrong there is an error of its own. */
async function run({ cli, globals }: Invocation<object>): Promise<number> {
  const { path, config, uid } = ownConfiguration(globals);
  const nodes = Object.entries(config.nodes).map(([name, node]) => ({
    name,
    faults: faultsOfNode(node, uid),
  }));
  const valid = nodes.every(({ faults }) => faults.length === 0);
  await cli.stdout.write(globals.json ? jsonText({ path, valid, nodes }) : asText(path, nodes));
  if (!valid) {
    throw new JobletError('refused', {
      layer: 'config',
      operation: 'check',
      object: path,
      reason: 'it cannot be used as it is',
      mend: 'See what is wrong above, then restart the helper: it makes new certificates for its users.',
    });
  }
  return ExitCode.success;
}

function asText(path: string, nodes: readonly CheckedNode[]): string {
  const lines = nodes.flatMap(({ name, faults }) =>
    faults.length === 0 ? [`Node ${name}: valid`] : faults.map((fault) => `Node ${name}: ${fault}`),
  );
  return [`Configuration: ${path}`, 'File: owner, mode and form are right', ...lines]
    .map((line) => `${escapeControlCharacters(line)}\n`)
    .join('');
}

export const command: CommandModule = { declare: () => {}, run };
