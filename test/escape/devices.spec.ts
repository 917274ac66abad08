import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
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

cannotEscape('has the minimal /dev and no device of the host', {
  layer: 'mount-namespace',
  attempt: (jobs) => jobs.probe(['devices.only-minimal']),
});
