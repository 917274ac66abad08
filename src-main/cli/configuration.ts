/** The client configuration in use, for the commands that tell of it without asking the helper. */
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { type LoadedConfig, loadConfig, ownSurroundings, placesOfConfig } from '../client/index.ts';
import type { GlobalFlags } from './cli.ts';

export interface OwnConfiguration extends LoadedConfig {
  /** Whose it is: the uid that this process acts as. */
  readonly uid: number;
}

/** @throws JobletError when there is none, or when it is unsafe or malformed */
export function ownConfiguration({ config, root }: GlobalFlags): OwnConfiguration {
  const surroundings = ownSurroundings();
  const places = placesOfConfig(config, pathsUnder(root), surroundings);
  return { ...loadConfig(places, surroundings.uid), uid: surroundings.uid };
}
