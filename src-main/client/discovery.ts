/** Which configuration a client uses, and which node of it. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type ClientConfig,
  type ClientNode,
  clientConfigSchema,
} from '../../native-helper/api/config-schema.ts';
import { parseConfig } from '../../native-helper/api/config-text.ts';
import { JobletError } from '../../native-helper/api/errors.ts';
import { clientConfigOf, type Paths } from '../../native-helper/api/paths.ts';
import { readSecretFile } from '../../native-helper/api/secret-file.ts';

/** What the look-up depends on, so that a test can say it. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly currentDirectory: string;
  readonly homeDirectory: string;
  readonly uid: number;
}

export function ownSurroundings(): Surroundings {
  return {
    environment: process.env,
    currentDirectory: ownDirectory(),
    homeDirectory: homedir(),
    uid: process.geteuid?.() ?? -1,
  };
}

/** One that was removed has no path any more; this one leads there all the same, and nothing is found in it. */
function ownDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/proc/self/cwd';
  }
}

/**
 * The places in the order in which they are looked at. A root other than `/` is a whole installation of its own: the
 * user's usual configuration does not belong to it.
 *
 * @param config the path given on the command line; it is the only place then.
 */
export function placesOfConfig(
  config: string | undefined,
  paths: Paths,
  { environment, currentDirectory, homeDirectory, uid }: Surroundings,
): string[] {
  if (config !== undefined) {
    return [resolve(currentDirectory, config)];
  }
  const installed = [join(paths.configDirectory, 'rnx-config.yml'), clientConfigOf(paths, uid)];
  if (paths.root !== '/') {
    return installed;
  }
  const { RNX_CONFIG: fromEnvironment } = environment;
  if (fromEnvironment !== undefined && fromEnvironment !== '') {
    return [resolve(currentDirectory, fromEnvironment)];
  }
  return [
    join(currentDirectory, 'rnx-config.yml'),
    join(currentDirectory, 'config/rnx-config.yml'),
    join(homeDirectory, '.joblet/config.yml'),
    join(homeDirectory, '.rnx/rnx-config.yml'),
    ...installed,
  ];
}

export interface LoadedConfig {
  readonly path: string;
  readonly config: ClientConfig;
}

/**
 * Reads the first configuration that is there.
 *
 * @throws JobletError when there is none, or when the first one is unsafe or malformed: a later one never takes its
 *   place unseen.
 */
export function loadConfig(places: readonly string[], uid: number): LoadedConfig {
  for (const path of places) {
    const text = readSecretFile(path, uid);
    if (text !== undefined) {
      return { path, config: parseConfig(text, clientConfigSchema, path) };
    }
  }
  throw new JobletError('unavailable', {
    layer: 'config',
    operation: 'find',
    object: places.join(', '),
    reason: 'there is no client configuration for you',
    mend: 'Start the helper with `joblet helper start`: it makes one for you and for root.',
  });
}

/**
 * The node that was asked for; else the default one; else the only one.
 *
 * @throws JobletError that names the nodes there are.
 */
export function selectNode({ path, config }: LoadedConfig, name?: string): ClientNode {
  const names = Object.keys(config.nodes);
  const selected = name ?? names.find((each) => config.nodes[each]?.isDefault) ?? onlyOne(names);
  const node =
    selected !== undefined && Object.hasOwn(config.nodes, selected) ? config.nodes[selected] : undefined;
  if (node !== undefined) {
    return node;
  }
  throw new JobletError(name === undefined ? 'invalid' : 'not_found', {
    layer: 'config',
    operation: 'find node',
    object: name ?? path,
    reason: name === undefined ? 'no node is the default' : `is not in ${path}`,
    mend: `Name one of: ${names.join(', ')}`,
  });
}

function onlyOne(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}

/** Whether anything of Joblet was ever set up under this root. */
export function isInstalled(paths: Paths): boolean {
  return existsSync(paths.configDirectory);
}
