/** The programs that make networks, and how they are run: never by a shell, never by the caller's PATH, never without an end. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { causeOf, JobletError } from '../../api/errors.ts';
import { createSealedMemfd } from '../../kernel/memfd.ts';
import { inNetwork } from '../../kernel/network-namespace.ts';

/** Where distributions put them; NixOS has neither of the first folders. */
const FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin', '/run/current-system/sw/bin'];
/** Debian's names; others have the same. */
const PACKAGES = { ip: 'iproute2', nft: 'nftables' } as const;
export type ProgramName = keyof typeof PACKAGES;

/** Places of the configuration, which come in place of the usual ones. */
export type ProgramPlaces = Readonly<Partial<Record<ProgramName, string | undefined>>>;

const PATIENCE_MS = 20_000;
/** Modules of the kernel are loaded by the kernel's own /sbin/modprobe, so they need none. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
const ANY_EXECUTE = 0o111;
const GROUP_OR_OTHERS_WRITE = 0o022;

/** @throws JobletError (refused) when it is at none of its places, or somebody else than root could change it. */
export function findProgram(name: ProgramName, places: ProgramPlaces): string {
  const configured = places[name];
  const candidates = configured === undefined ? FOLDERS.map((folder) => `${folder}/${name}`) : [configured];
  const path = candidates.find(isExecutable);
  if (path === undefined) {
    throw networkError('find', name, `is at none of ${candidates.join(', ')}`, installation(name));
  }
  refuseChangeable(path);
  return path;
}

function isExecutable(path: string): boolean {
  try {
    const stats = statSync(path);
    return stats.isFile() && (stats.mode & ANY_EXECUTE) !== 0;
  } catch {
    return false;
  }
}

/** It is run as root: nobody else may be able to put another in its place. */
function refuseChangeable(path: string): void {
  const real = realpathSync(path);
  for (let place = real; ; place = dirname(place)) {
    const { uid, mode } = statSync(place);
    const isSticky = place !== real && (mode & 0o1000) !== 0;
    if (uid !== 0 || ((mode & GROUP_OR_OTHERS_WRITE) !== 0 && !isSticky)) {
      throw networkError(
        'check',
        place,
        'can be changed by others than root',
        `chown root ${place}; chmod go-w ${place}`,
      );
    }
    if (place === '/') {
      return;
    }
  }
}

function installation(name: ProgramName): string {
  return `Install it (Debian: apt install ${PACKAGES[name]}), or name its place in the helper's configuration: networks.${name}.`;
}

export interface ProgramRun {
  readonly argv: readonly string[];
  readonly input?: string;
  /** The network namespace that it runs in; absent: this thread's. */
  readonly network?: number;
}

/**
 * Runs it to its end.
 *
 * @returns its standard output.
 * @throws JobletError (refused) with its own words when it fails, (unavailable) when it had to be killed: nobody knows then what it did.
 */
export async function runProgram(path: string, { argv, input = '', network }: ProgramRun): Promise<string> {
  // A file and no pipe: both programs open /dev/stdin, and Node's pipes are sockets, which can't be opened.
  const file = createSealedMemfd('input', Buffer.from(input), 'data');
  try {
    const start = () =>
      spawn(path, argv, {
        env: ENVIRONMENT,
        cwd: '/',
        stdio: [file, 'pipe', 'pipe'],
        timeout: PATIENCE_MS,
        killSignal: 'SIGKILL',
      });
    // The process is made before this returns, so it is born where this thread is.
    const child = network === undefined ? start() : inNetwork(network, start);
    const { stdout, stderr } = child as ChildProcessByStdio<null, Readable, Readable>;
    const [output, errors, reason] = await Promise.all([text(stdout), text(stderr), endOf(child)]);
    const object = [path, ...argv].join(' ');
    if (child.signalCode !== null) {
      const details = {
        layer: 'network',
        operation: 'run',
        object,
        reason: `ended by ${child.signalCode}`,
        mend: '',
      };
      throw new JobletError('unavailable', details);
    }
    if (reason !== undefined) {
      const said = errors.trim().replaceAll(/\s+/g, ' ').slice(0, 500);
      throw networkError('run', object, said === '' ? reason : said, '');
    }
    return output;
  } finally {
    closeSync(file);
  }
}

/** @returns why it did not do its work; undefined when it did. */
async function endOf(child: ChildProcess): Promise<string | undefined> {
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code === 0 ? undefined : `it ended with ${code}`;
  } catch (error) {
    return causeOf(error);
  }
}

export function networkError(
  operation: string,
  object: string,
  reason: string,
  mend: string,
  cause?: unknown,
): JobletError {
  return new JobletError('refused', { layer: 'network', operation, object, reason, mend }, { cause });
}
