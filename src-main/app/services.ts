/** The parts of the main process, made once and handed to those who need them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { installationCommandLine } from '../elevation/helper-process.ts';
import type { Damage } from './data-file.ts';
import { startHelper } from './helper-start.ts';
import { Link } from './link.ts';
import { Orders } from './orders.ts';
import { PresetStore } from './presets.ts';
import { SettingsStore } from './settings.ts';

export interface Services {
  /** Folder that everything of Joblet lies under. */
  readonly root: string;
  readonly link: Link;
  readonly orders: Orders;
  readonly settings: SettingsStore;
  readonly presets: PresetStore;
}

export interface ServicesOptions {
  readonly root: string;
  /** Where the command line and the helper lie. */
  readonly programs: string;
  /** The app's data folder. */
  readonly data: string;
  /** Told of each file that could not be used. */
  readonly onDamage: (damage: Damage) => void;
}

export async function openServices({ root, programs, data, onDamage }: ServicesOptions): Promise<Services> {
  const joblet = join(programs, 'joblet');
  let command: Promise<string> | undefined;
  const installCommand = () => {
    // It takes the hash of a hundred megabytes.
    command ??= installationCommandLine(pathsUnder(root), programs);
    return command;
  };
  const [buildId, settings, presets] = await Promise.all([
    readFile(join(programs, 'build-id'), 'utf8'),
    SettingsStore.open(join(data, 'settings.json'), onDamage),
    PresetStore.open(join(data, 'presets.json'), onDamage),
  ]);
  const link = new Link({ root, buildId, installCommand, startHelper: () => startHelper(joblet, root) });
  return { root, link, orders: new Orders(), settings, presets };
}
