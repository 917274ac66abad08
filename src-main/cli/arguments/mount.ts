/** `--mount` and `--toolchain`: folders of the user's that a job shall see. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { CheckedMount } from '../../../native-helper/api/job-mounts.ts';
import { usageError } from '../errors.ts';
import type { ValueSources } from './environment.ts';

const FORM = 'Write SOURCE, SOURCE:TARGET or SOURCE:TARGET:ro.';

/**
 * `SOURCE[:TARGET][:ro|rw]`, as docker's `-v`: writable unless it says `ro`. Without a target it is found at its own path, so that paths
 * in what a build leaves behind are right outside of the job, too.
 */
export function parseMount(text: string, { directory }: ValueSources, home = homedir()): CheckedMount {
  const { rest, mode } = splitMode(text);
  const separator = rest.lastIndexOf(':/');
  const typed = separator < 0 ? rest : rest.slice(0, separator);
  if (typed === '') {
    throw usageError(`--mount ${text}`, 'names no source', FORM);
  }
  const path = typed.replace(/^~(?=\/|$)/, () => home);
  if (directory === undefined && !isAbsolute(path)) {
    throw usageError(`--mount ${text}`, 'begins in a folder that is not known here', 'Give the whole path.');
  }
  const source = resolve(directory ?? '/', path);
  const target = separator < 0 ? source : rest.slice(separator + 1);
  return { source, target: withoutEndSlash(target), readOnly: mode === 'ro' };
}

function splitMode(text: string): { rest: string; mode: string } {
  const match = /^(.*):(ro|rw)$/s.exec(text);
  return { rest: match?.[1] ?? text, mode: match?.[2] ?? 'rw' };
}

function withoutEndSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** "Run here": who mounts the current folder wants to start in it. @returns empty when it is not among the mounts. */
export function workDirectoryIn(mounts: readonly CheckedMount[], { directory }: ValueSources): string {
  return mounts.find(({ source }) => source === directory)?.target ?? '';
}

export interface Toolchain {
  readonly mounts: readonly CheckedMount[];
  /** Folders of programs, to be looked through before the system's. */
  readonly path: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

type Variable = ValueSources['variable'];

/** The user's own toolchains by name, each where its own variables, or else its usual place, say. */
const TOOLCHAINS: Readonly<Record<string, (variable: Variable, home: string) => Toolchain>> = {
  nvm: (variable, home) => {
    const bin = variable('NVM_BIN');
    if (bin === undefined) {
      throw usageError(
        '--toolchain nvm',
        'no version of Node is in use',
        'Choose one first: nvm use VERSION',
      );
    }
    return shown(variable('NVM_DIR') ?? join(home, '.nvm'), [bin], {});
  },
  venv: (variable) => {
    const folder = variable('VIRTUAL_ENV');
    if (folder === undefined) {
      throw usageError('--toolchain venv', 'none is active', 'Activate it first: . FOLDER/bin/activate');
    }
    return shown(folder, [join(folder, 'bin')], { VIRTUAL_ENV: folder });
  },
  cargo: (variable, home) => {
    const cargo = variable('CARGO_HOME') ?? join(home, '.cargo');
    const rustup = variable('RUSTUP_HOME') ?? join(home, '.rustup');
    const { mounts, path } = shown(cargo, [join(cargo, 'bin')], {});
    // What cargo downloads goes to the job's own folder: the user's is read-only.
    return { mounts: [...mounts, readOnly(rustup)], path, environment: { RUSTUP_HOME: rustup } };
  },
  opt: () => shown('/opt', [], {}),
};

export function toolchainOf(name: string, sources: ValueSources, home = homedir()): Toolchain {
  const find = Object.hasOwn(TOOLCHAINS, name) ? TOOLCHAINS[name] : undefined;
  if (find === undefined) {
    const known = Object.keys(TOOLCHAINS).join(', ');
    throw usageError(`--toolchain ${name}`, `is none of ${known}`, 'Name a folder with --mount FOLDER:ro.');
  }
  if (sources.directory === undefined) {
    throw usageError(
      `--toolchain ${name}`,
      'depends on the terminal that it is typed in',
      'Name its folder with --mount FOLDER:ro.',
    );
  }
  return find(sources.variable, home);
}

function shown(folder: string, path: readonly string[], environment: Record<string, string>): Toolchain {
  return { mounts: [readOnly(folder)], path, environment };
}

function readOnly(folder: string): CheckedMount {
  return { source: folder, target: folder, readOnly: true };
}
