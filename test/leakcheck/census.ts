/**
 * All that could be left behind, counted. It is taken in namespaces of the check's own (see enclosure.ts), so whatever
 * is there is the helper's, a job's, or the check's.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathsUnder } from '../../native-helper/api/paths.ts';

/** What can leak, each with the words for a report. */
export const KINDS = [
  'mount',
  'cgroup',
  'process',
  'zombie',
  'descriptor of the helper',
  'file',
  'loop device',
  'socket',
  'namespace',
  'System V object',
  'key',
  'network interface',
  'packet filter',
  'address lease',
] as const;
export type Kind = (typeof KINDS)[number];

/** How often each thing is there. */
type Count = ReadonlyMap<string, number>;
export type Census = Readonly<Record<Kind, Count>>;

export interface Places {
  /** The helper's root. */
  readonly root: string;
  /** The folder of the jobs' cgroups; the helper's own lies beside it. */
  readonly cgroup: string;
  readonly helperPid: number;
  /** The uid of the jobs: nobody else on the machine has it. */
  readonly jobsUid: number;
}

export function takeCensus({ root, cgroup, helperPid, jobsUid }: Places): Census {
  const processes = readProcesses();
  return {
    mount: count(lines('/proc/self/mountinfo').map(mountIdentity)),
    cgroup: count(directoriesBelow(dirname(cgroup))),
    process: count(processes.filter(({ state }) => state !== 'Z').map(({ command }) => command)),
    zombie: count(processes.filter(({ state }) => state === 'Z').map(({ command }) => command)),
    'descriptor of the helper': count(descriptorsOf(helperPid)),
    file: count(readdirSync(root, { recursive: true, encoding: 'utf8' })),
    'loop device': count(loopDevicesUnder(root)),
    socket: count(lines('/proc/net/unix').slice(1).map(socketIdentity)),
    namespace: count([...new Set(processes.flatMap(({ pid }) => namespacesOf(pid)))].map(namespaceType)),
    'System V object': count(
      ['shm', 'sem', 'msg'].flatMap((type) => lines(`/proc/sysvipc/${type}`).slice(1)),
    ),
    key: count(keysOf(jobsUid)),
    'network interface': count(interfaces()),
    'packet filter': count(filterParts()),
    'address lease': count(leases(root)),
  };
}

export interface Leak {
  readonly kind: Kind;
  /** Such as `sleep 60 (2 instead of 1)`. */
  readonly what: string;
}

/** What is there after and was not before, or more of it. What has gone is no leak. */
export function leaksBetween(before: Census, after: Census): Leak[] {
  return KINDS.flatMap((kind) =>
    [...after[kind]]
      .map(([what, now]) => ({ what, now, earlier: before[kind].get(what) ?? 0 }))
      .filter(({ now, earlier }) => now > earlier)
      .map(({ what, now, earlier }) => ({ kind, what: `${what} (${now} instead of ${earlier})` })),
  );
}

function count(things: readonly string[]): Count {
  const counts = new Map<string, number>();
  for (const thing of things) {
    counts.set(thing, (counts.get(thing) ?? 0) + 1);
  }
  return counts;
}

/** Absent where the kernel was built without the feature. */
function lines(path: string): string[] {
  return tolerant(() => readFileSync(path, 'utf8').split('\n').filter(Boolean), []);
}

/** By the files that they hold: the kernel has one list of them for all of the machine. */
function loopDevicesUnder(root: string): string[] {
  return readdirSync('/sys/block')
    .flatMap((name) => lines(`/sys/block/${name}/loop/backing_file`))
    .filter((file) => file.startsWith(root));
}

/** Of this network namespace. */
function interfaces(): string[] {
  const output = execFileSync('ip', ['-o', 'link', 'show'], { encoding: 'utf8' });
  return [...output.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name = '']) => name);
}

/** Tables, sets, chains and rules, each a line, whoever made them. */
function filterParts(): string[] {
  const lines = execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }).split('\n');
  return lines.map((line) => line.trim()).filter((line) => line !== '' && line !== '}');
}

/** The helper holds its database alone, so a copy is read; a lease that is being given back may still be in it. */
function leases(root: string): string[] {
  const { database: path } = pathsUnder(root);
  const folder = mkdtempSync(join(tmpdir(), 'joblet-census-'));
  try {
    for (const suffix of ['', '-wal']) {
      tolerant(() => cpSync(`${path}${suffix}`, join(folder, `state.db${suffix}`)), undefined);
    }
    using database = new DatabaseSync(join(folder, 'state.db'));
    return database
      .prepare('SELECT network, address FROM address_lease')
      .all()
      .map(({ network, address }) => `${network} ${address}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is looked at may end meanwhile. */
function tolerant<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      ['ENOENT', 'ESRCH', 'ENOTDIR'].includes(String(error.code))
    ) {
      return otherwise;
    }
    throw error;
  }
}

/** proc_pid_mountinfo(5) without the ids, which differ from mount to mount. */
function mountIdentity(line: string): string {
  return line.split(' ').slice(2).join(' ');
}

function directoriesBelow(path: string): string[] {
  return tolerant(
    () =>
      readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name)),
    [],
  );
}

interface Process {
  readonly pid: string;
  readonly state: string;
  readonly command: string;
}

function readProcesses(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) =>
      tolerant(() => {
        // proc_pid_stat(5): the name stands in brackets and may hold any character; the state follows.
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid, state: stat.charAt(stat.lastIndexOf(')') + 2), command: command || name }];
      }, []),
    );
}

/** Where each descriptor leads; those without a path by their type alone. */
function descriptorsOf(pid: number): string[] {
  return tolerant(() => readdirSync(`/proc/${pid}/fd`), []).flatMap((fd) =>
    tolerant(
      () => [readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/^(socket|pipe|net|mnt):\[\d+\]$/, '$1')],
      [],
    ),
  );
}

/** Type, state and address (unix(7)); a socket without an address by the first two alone. */
function socketIdentity(line: string): string {
  const [, , , , type, state, , path] = line.trim().split(/\s+/);
  return `type ${type} state ${state} ${path ?? 'unnamed'}`;
}

function namespacesOf(pid: string): string[] {
  return tolerant(() => readdirSync(`/proc/${pid}/ns`), []).flatMap((name) =>
    tolerant(() => [readlinkSync(`/proc/${pid}/ns/${name}`)], []),
  );
}

function namespaceType(link: string): string {
  return link.slice(0, link.indexOf(':'));
}

/**
 * The keys of the jobs' user. /proc/keys shows only those that the reader may view; /proc/key-users counts all:
 * `uid: usage keys/instantiated …` (proc_key-users(5)).
 */
function keysOf(uid: number): string[] {
  const line = lines('/proc/key-users').find((text) => text.trim().startsWith(`${uid}:`));
  const keys = Number(line?.trim().split(/\s+/)[2]?.split('/')[0] ?? 0);
  return Array.from({ length: keys }, () => `key of uid ${uid}`);
}
