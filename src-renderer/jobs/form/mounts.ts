/** The user's folders that a job shall see, as one line of text: `/home/ann/project, /data:/in:ro`. */
import type { CheckedJobSpec } from '../../state/job-spec.ts';
import { text } from '../../text.ts';
import type { Typed } from './units.ts';

type Mounts = CheckedJobSpec['mounts'];

/** A comma that a path follows: one in a folder's name is followed by something else. */
const BETWEEN = /\s*,\s*(?=\/)/;

/** Each is `SOURCE[:TARGET][:ro|rw]`, as on the command line; without a target it is found at its own path. */
export function parseMounts(typed: string): Typed<Mounts> {
  const mounts = typed
    .trim()
    .split(BETWEEN)
    .map((each) => mountOf(each.trim()));
  const relative = mounts.find(({ source }) => !source.startsWith('/'));
  return relative === undefined
    ? { value: mounts }
    : { fault: text.newJob.notAbsolute(relative.source === '' ? typed.trim() : relative.source) };
}

/** As they are, without anything behind them. */
export function parsePaths(typed: string): Typed<string[]> {
  const paths = typed
    .trim()
    .split(BETWEEN)
    .map((path) => path.trim());
  const relative = paths.find((path) => !path.startsWith('/'));
  return relative === undefined
    ? { value: paths }
    : { fault: text.newJob.notAbsolute(relative === '' ? typed.trim() : relative) };
}

export function formatMounts(mounts: Readonly<Mounts>): string {
  return mounts.map(mountText).join(', ');
}

/** As `--mount` takes it. */
export function mountText({ source, target, readOnly }: Mounts[number]): string {
  // What looks like a mode or a target in the source's name is not one, if both are named.
  const isPlain = source === target && !/:(?:\/|r[ow]$)/.test(source);
  return `${source}${isPlain ? '' : `:${target}`}${readOnly ? ':ro' : isPlain ? '' : ':rw'}`;
}

function mountOf(typed: string): Mounts[number] {
  const match = /^(.*):(ro|rw)$/s.exec(typed);
  const rest = match?.[1] ?? typed;
  const separator = rest.lastIndexOf(':/');
  const source = withoutEndSlash(separator < 0 ? rest : rest.slice(0, separator));
  const target = separator < 0 ? source : withoutEndSlash(rest.slice(separator + 1));
  return { source, target, readOnly: match?.[2] === 'ro' };
}

function withoutEndSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** The line of paths with more of them. */
export function withPaths(typed: string, added: readonly string[]): string {
  const told = parsePaths(typed);
  const before = 'value' in told ? told.value : [];
  return [...new Set([...before, ...added])].join(', ');
}

export interface Dropped {
  readonly path: string;
  readonly isFolder: boolean;
}

/** The lines of the form with what was dropped: all of it mounted, and the first folder is where the command starts. */
export function runHere<Lines extends { readonly mounts: string; readonly workDir: string }>(
  lines: Lines,
  dropped: readonly Dropped[],
): Lines {
  const told = parseMounts(lines.mounts);
  const before = 'value' in told ? told.value : [];
  const added = dropped.filter(({ path }) => before.every(({ target }) => target !== path));
  const mounts = [...before, ...added.map(({ path }) => ({ source: path, target: path, readOnly: false }))];
  const folder = dropped.find(({ isFolder }) => isFolder)?.path;
  return { ...lines, mounts: formatMounts(mounts), workDir: folder ?? lines.workDir };
}
