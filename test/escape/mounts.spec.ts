/** Files of the user's in a job: nobody else's come along, and none is the job's that is not its user's. */
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cannotEscape, type Jobs, type Verdict, verdict } from './escape.ts';
import { openedMounts } from './mounted.ts';
import { ANN, JOB_USER } from './sandbox.ts';

/** A folder of the host on a file system that can be idmapped, with one file in it. */
class Folder implements Disposable {
  readonly path = mkdtempSync('/var/lib/joblet-escape-');
  readonly #file = join(this.path, 'canary');

  constructor(
    owners: { readonly folder: number; readonly file: number },
    modes: { folder: number; file: number },
  ) {
    writeFileSync(this.#file, 'a file of the host\n');
    chownSync(this.#file, owners.file, owners.file);
    chmodSync(this.#file, modes.file);
    chownSync(this.path, owners.folder, owners.folder);
    chmodSync(this.path, modes.folder);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Runs a probe with the folder at /src, as a job of Ann's. */
async function probeIn(folder: Folder, jobs: Jobs, command: readonly string[]): Promise<Verdict> {
  try {
    using mounts = await openedMounts(jobs, folder.path, ANN, '/src');
    return await jobs.probe(command, { mounts });
  } catch (error) {
    return verdict(false, String(error));
  }
}

cannotEscape('does not write to a file of the host’s nobody, whose ids the job has', {
  layer: 'idmap',
  attempt: async (jobs) => {
    using folder = new Folder({ folder: ANN, file: JOB_USER }, { folder: 0o777, file: 0o600 });
    return await probeIn(folder, jobs, ['filesystem.write', '/src/canary']);
  },
});

cannotEscape('is not shown what its user may not reach', {
  layer: 'mount-rights',
  attempt: async (jobs) => {
    using folder = new Folder({ folder: 0, file: 0 }, { folder: 0o711, file: 0o644 });
    return await probeIn(folder, jobs, ['filesystem.read', '/src/canary']);
  },
});
