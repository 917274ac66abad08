import { findCertificateFaults } from '../../../native-helper/api/certificates.ts';
import { serverConfigSchema } from '../../../native-helper/api/config-schema.ts';
import { parseConfig } from '../../../native-helper/api/config-text.ts';
import { JobletError } from '../../../native-helper/api/errors.ts';
import { pathsUnder } from '../../../native-helper/api/paths.ts';
import { readSecretFile } from '../../../native-helper/api/secret-file.ts';
import { faultsOfNode } from '../../client/index.ts';
import type { CommandModule, GlobalFlags, Invocation } from '../cli.ts';
import { ownConfiguration } from '../configuration.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';

/** One set of certificates: a node of the client's file, or the helper's own. */
interface CheckedPart {
  readonly path: string;
  readonly name: string;
  /** In words; empty when nothing is wrong. */
  readonly faults: readonly string[];
}

const ROOT_UID = 0;

/** Owner, mode and form of a file are checked by reading it; what is wrong there is an error of its own. */
async function run({ cli, globals }: Invocation<object>): Promise<number> {
  const { path, config, uid } = ownConfiguration(globals);
  const nodes = Object.entries(config.nodes).map(([name, node]) => ({
    path,
    name: `node ${name}`,
    faults: faultsOfNode(node, uid),
  }));
  const parts = [...nodes, ...(uid === ROOT_UID ? checkedServer(globals) : [])];
  const faulty = parts.find(({ faults }) => faults.length > 0);
  await cli.stdout.write(globals.json ? jsonText({ valid: faulty === undefined, parts }) : asText(parts));
  if (faulty !== undefined) {
    throw new JobletError('refused', {
      layer: 'config',
      operation: 'check',
      object: faulty.path,
      reason: 'it cannot be used as it is',
      mend: 'See what is wrong above, then restart the helper: it makes new certificates for its users.',
    });
  }
  return ExitCode.success;
}

/** The helper's own file, which only root can read; nothing where no helper was ever started. */
function checkedServer({ root }: GlobalFlags): CheckedPart[] {
  const { serverConfig: path } = pathsUnder(root);
  const text = readSecretFile(path, ROOT_UID);
  if (text === undefined) {
    return [];
  }
  const {
    certificate,
    key,
    ca_certificate: authority,
  } = parseConfig(text, serverConfigSchema, path).security;
  const faults = findCertificateFaults({ certificate, key, authority }, 'server');
  return [{ path, name: 'helper', faults: faults.map(({ object, reason }) => `the ${object} ${reason}`) }];
}

function asText(parts: readonly CheckedPart[]): string {
  return parts
    .flatMap(({ path, name, faults }) =>
      (faults.length === 0 ? ['valid'] : faults).map((verdict) => `${path}: ${name}: ${verdict}`),
    )
    .map((line) => `${escapeControlCharacters(line)}\n`)
    .join('');
}

export const command: CommandModule = { declare: () => {}, run };
