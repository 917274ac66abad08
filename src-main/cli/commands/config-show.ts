import { X509Certificate } from 'node:crypto';
import type { ClientNode } from '../../../native-helper/api/config-schema.ts';
import { causeOf } from '../../../native-helper/api/errors.ts';
import type { LoadedConfig } from '../../client/index.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { ownConfiguration } from '../configuration.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';

/** What may be shown of a node: everything but its key. */
interface ShownNode {
  readonly name: string;
  readonly address: string;
  readonly node_id: string | undefined;
  readonly is_default: boolean;
  readonly certificate: ShownCertificate;
  readonly authority: ShownCertificate;
}

interface ShownCertificate {
  readonly subject: string;
  readonly valid_from: string;
  readonly valid_until: string;
  /** SHA-256, as other tools print it. */
  readonly fingerprint: string;
}

async function run({ cli, globals }: Invocation<object>): Promise<number> {
  const shown = shownConfiguration(ownConfiguration(globals));
  await cli.stdout.write(globals.json ? jsonText(shown) : asText(shown));
  return ExitCode.success;
}

interface ShownConfiguration {
  readonly path: string;
  readonly nodes: readonly ShownNode[];
}

export function shownConfiguration({ path, config }: LoadedConfig): ShownConfiguration {
  return { path, nodes: Object.entries(config.nodes).map(([name, node]) => shownNode(name, node)) };
}

function shownNode(name: string, { address, nodeId, isDefault, cert, ca }: ClientNode): ShownNode {
  return {
    name,
    address,
    node_id: nodeId,
    is_default: isDefault === true,
    certificate: shownCertificate(cert),
    authority: shownCertificate(ca),
  };
}

/** One that cannot be read is shown as such; `config check` is what fails on it. */
function shownCertificate(pem: string): ShownCertificate {
  try {
    const { subject, validFromDate, validToDate, fingerprint256 } = new X509Certificate(pem);
    return {
      subject: subject.replaceAll('\n', ', '),
      valid_from: validFromDate.toISOString(),
      valid_until: validToDate.toISOString(),
      fingerprint: fingerprint256,
    };
  } catch (error) {
    return { subject: `unreadable (${causeOf(error)})`, valid_from: '-', valid_until: '-', fingerprint: '-' };
  }
}

function asText({ path, nodes }: ShownConfiguration): string {
  const lines = nodes.flatMap((node) => [
    '',
    `Node: ${node.name}${node.is_default ? ' (default)' : ''}`,
    `  Address: ${node.address}`,
    `  Node ID: ${node.node_id ?? '-'}`,
    ...certificateLines('Certificate', node.certificate),
    ...certificateLines('Authority', node.authority),
    '  Key: *** (not shown)',
  ]);
  return [`Configuration: ${path}`, ...lines].map((line) => `${escapeControlCharacters(line)}\n`).join('');
}

function certificateLines(title: string, certificate: ShownCertificate): string[] {
  return [
    `  ${title}: ${certificate.subject}`,
    `    Valid From: ${certificate.valid_from}`,
    `    Valid Until: ${certificate.valid_until}`,
    `    SHA-256: ${certificate.fingerprint}`,
  ];
}

export const command: CommandModule = { declare: () => {}, run };
