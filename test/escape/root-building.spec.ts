/** Attacks on the building of a job's root: what a job leaves or replaces must lead nobody's mounts astray. */
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { cannotEscape, verdict } from './escape.ts';
import { openedMounts } from './mounted.ts';

cannotEscape('does not replace /dev/null, which covers what is masked (CVE-2025-31133)', {
  layer: 'credentials',
  attempt: (jobs) => jobs.probe(['devices.replace', '/dev/null']),
});

cannotEscape('does not make /dev/console (CVE-2025-52565)', {
  layer: 'credentials',
  attempt: (jobs) => jobs.probe(['devices.replace', '/dev/console']),
});

cannotEscape('leads no mount of the next attempt onto the host by a link (CVE-2024-45310, CVE-2025-52881)', {
  layer: 'no-follow',
  byExec: false,
  attempt: async (jobs) => {
    using host = temporaryFolder();
    using mounts = await openedMounts(jobs, host.path, 0, '/work/link/inner');
    const job = jobs.startProbe(['lifetime.sleep', '0'], {
      mounts,
      prepare: (work) => symlinkSync(host.path, join(work, 'link')),
    });
    const end = await job.ended();
    return verdict(existsSync(join(host.path, 'inner')), JSON.stringify(end?.error));
  },
});

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync('/var/lib/joblet-escape-');
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}
