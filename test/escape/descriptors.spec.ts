import { closeSync, openSync } from 'node:fs';
import { cannotEscape } from './escape.ts';
import { HostFile } from './host-file.ts';

/** A folder that always lies on the file system of `/`: others are out of reach once the old root is detached. */
const ON_ROOT = '/etc';
/** A number that the monitor has no use for. */
const LEAKED = 77;

cannotEscape('has descriptors 0, 1, 2 and no others', {
  layer: 'descriptors',
  attempt: (jobs) => jobs.probe(['descriptors.only-three']),
});

cannotEscape('does not climb to the host from a directory that was left open (CVE-2024-21626)', {
  layer: 'descriptors',
  attempt: async (jobs) => {
    using file = HostFile.in(ON_ROOT);
    using root = openDirectory('/');
    return await jobs.probe(['descriptors.climb', file.path], { leaked: new Map([[LEAKED, root.fd]]) });
  },
});

cannotEscape('does not start in a directory of the host that was left open (CVE-2024-21626)', {
  layer: 'descriptors',
  attempt: async (jobs) => {
    using file = HostFile.in(ON_ROOT);
    using root = openDirectory('/');
    return await jobs.probeOrRefusal(
      /"operation":"chdir","object":"\/proc\/self\/fd\/77"/,
      ['descriptors.climb-from-work-directory', file.path],
      { leaked: new Map([[LEAKED, root.fd]]), spec: { workDir: `/proc/self/fd/${LEAKED}` } },
    );
  },
});

cannotEscape('does not start where its monitor was started (CVE-2024-21626)', {
  layer: 'working-directory',
  attempt: async (jobs) => {
    using file = HostFile.in(ON_ROOT);
    using _monitorsFolder = workingIn(ON_ROOT);
    return await jobs.probe(['descriptors.climb-from-work-directory', file.path]);
  },
});

/** Monitors start where this process is. */
function workingIn(folder: string): Disposable {
  const before = process.cwd();
  process.chdir(folder);
  return { [Symbol.dispose]: () => process.chdir(before) };
}

function openDirectory(path: string): Disposable & { readonly fd: number } {
  const fd = openSync(path, 'r');
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}
