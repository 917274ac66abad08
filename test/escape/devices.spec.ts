import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { cannotEscape } from './escape.ts';

cannotEscape('makes no device node', {
  layer: 'capabilities',
  attempt: (jobs) => jobs.probe(['devices.make']),
});

cannotEscape('opens no device node that lies in /work', {
  layer: 'nodev',
  attempt: (jobs) =>
    jobs.probe(['devices.open', '/work/node'], {
      prepare: (work) => {
        // Like a disk's, but harmless to open: /dev/zero.
        execFileSync('mknod', [join(work, 'node'), 'c', '1', '5']);
        chmodSync(join(work, 'node'), 0o666);
      },
    }),
});

/** Those of a desktop; none of them is on every machine. */
const OF_THE_HOST = ['fuse', 'kmsg', 'kvm', 'loop-control', 'mem', 'net/tun', 'vsock'].map(
  (name) => `/dev/${name}`,
);

for (const device of OF_THE_HOST.filter((path) => existsSync(path))) {
  cannotEscape(`does not see ${device}`, {
    layer: 'mount-namespace',
    attempt: (jobs) => jobs.probe(['filesystem.see', device]),
  });
}

cannotEscape('has the minimal /dev and no device of the host', {
  layer: 'mount-namespace',
  attempt: (jobs) => jobs.probe(['devices.only-minimal']),
});
