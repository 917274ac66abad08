/** Files of the user's in a job: nobody else's come along, and none is the job's that is not its user's. */
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OpenedMounts } from '../../native-helper/server/mounts/job-mounts.ts';
import { cannotEscape, type Jobs, type Verdict, verdict } from './escape.ts';
import { JOB_USER } from './sandbox.ts';

/** Of the machine or not: nothing but the number counts. */
const ANN = 4321;

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
  using opener = jobs.sourceOpener();
  const [opened] = await opener.open([folder.path], { uid: ANN, gid: ANN, groups: [] });
  if (opened === undefined || 'error' in opened) {
    return verdict(false, `open ${folder.path}: ${opened?.error}`);
  }
  using mounts = new OpenedMounts(
    [opened],
    [{ source: folder.path, target: '/src', readOnly: false }],
    [
      { kind: 'uid', inside: ANN, outside: JOB_USER, count: 1 },
      { kind: 'gid', inside: ANN, outside: JOB_USER, count: 1 },
    ],
  );
  return await jobs.probe(command, { mounts });
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
