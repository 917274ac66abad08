/** What of the host becomes a job's root, always read-only. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { Mount, MountAttribute } from './plan.ts';
import {
  closeSource,
  isMissing,
  openSource,
  openSourceIfPresent,
  type PlanSources,
  type Source,
} from './sources.ts';

/** On a merged-/usr system links into /usr, elsewhere folders of their own. */
const SYSTEM_FOLDERS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/**
 * Folders of /etc into which /usr's own links and libraries point, and without which its programs don't work. Debian's
 * /usr/bin leads into alternatives; Arch's and Fedora's certificates lie in ca-certificates and pki, whose private parts
 * stay out, as do Maven's settings, which may hold passwords.
 */
const CONFIGURATION_FOLDERS = [
  '/etc/alternatives',
  '/etc/ld.so.conf.d',
  '/etc/ssl/certs',
  '/etc/ca-certificates',
  '/etc/pki/tls/certs',
  '/etc/pki/ca-trust',
  '/etc/fonts',
  '/etc/maven/logging',
  '/etc/R',
  '/etc/texmf',
];

/** `java` on Fedora, `java-17-openjdk` on Debian: /usr/lib/jvm leads there. */
const JAVA_FOLDER = /^java(-\d+-openjdk)?$/;

/** Files that package managers replace by rename: opened for each job, or an old copy would be shown for ever. */
const CONFIGURATION_FILES = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/localtime',
  '/etc/maven/m2.conf',
  '/etc/os-release',
  '/etc/protocols',
  '/etc/services',
  '/etc/ssl/openssl.cnf',
];

const READ_ONLY: readonly MountAttribute[] = ['readOnly', 'noSuid', 'noDevices'];

type Entry = { readonly source: Source } | { readonly target: string; readonly leadsTo: string };

/** The host's system folders, opened once and held, so that starting a job opens only what may have been replaced. */
export class HostRoot implements Disposable {
  readonly #entries: readonly Entry[];

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  /** @throws JobletError (refused) when the host has no /usr. */
  static open(): HostRoot {
    const optional = [...SYSTEM_FOLDERS, ...CONFIGURATION_FOLDERS, ...javaFolders()].map(entryAt);
    return new HostRoot([{ source: openSource('/usr') }, ...optional.filter((entry) => entry !== undefined)]);
  }

  mountsFor(sources: PlanSources): Mount[] {
    const folders = this.#entries.map(
      (entry): Mount =>
        'source' in entry
          ? {
              kind: 'bind',
              source: sources.lend(entry.source),
              target: entry.source.path,
              attributes: [...READ_ONLY, 'recursive'],
            }
          : { kind: 'symlink', target: entry.target, leadsTo: entry.leadsTo },
    );
    return [...folders, ...CONFIGURATION_FILES.flatMap((path) => fileAt(path, sources))];
  }

  [Symbol.dispose](): void {
    for (const entry of this.#entries) {
      if ('source' in entry) {
        closeSource(entry.source);
      }
    }
  }
}

function javaFolders(): string[] {
  return readdirSync('/etc')
    .filter((name) => JAVA_FOLDER.test(name))
    .map((name) => `/etc/${name}`);
}

/** A link into /usr stays a link; anything else is shown where it is. */
function entryAt(path: string): Entry | undefined {
  const leadsTo = linkIntoUsr(path);
  if (leadsTo !== undefined) {
    return { target: path, leadsTo };
  }
  const source = openSourceIfPresent(path);
  return source && { source };
}

/** As entryAt, for a file. Many programs read the zone's name out of the link that localtime is. */
function fileAt(path: string, sources: PlanSources): Mount[] {
  const leadsTo = linkIntoUsr(path);
  if (leadsTo !== undefined) {
    return [{ kind: 'symlink', target: path, leadsTo }];
  }
  const source = openSourceIfPresent(path);
  return source === undefined
    ? []
    : [{ kind: 'bind', source: sources.take(source), target: path, attributes: [...READ_ONLY, 'file'] }];
}

function linkIntoUsr(path: string): string | undefined {
  const leadsTo = linkAt(path);
  return leadsTo !== undefined && /^(\/|\.\.\/)*usr\//.test(leadsTo) ? leadsTo : undefined;
}

function linkAt(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}
