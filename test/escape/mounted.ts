/** Folders of the host's as a job is given them. */
import { OpenedMounts } from '../../native-helper/server/mounts/job-mounts.ts';
import type { Jobs } from './escape.ts';
import { JOB_USER } from './sandbox.ts';

/** @throws Error saying why the user may not open it. */
export async function openedMounts(
  jobs: Jobs,
  source: string,
  user: number,
  target: string,
): Promise<OpenedMounts> {
  using opener = jobs.sourceOpener();
  const [opened] = await opener.open([source], { uid: user, gid: user, groups: [] });
  if (opened === undefined || 'error' in opened) {
    throw new Error(`open ${source}: ${opened?.error}`);
  }
  return new OpenedMounts(
    [opened],
    [{ source, target, readOnly: false }],
    [
      { kind: 'uid', inside: user, outside: JOB_USER, count: 1 },
      { kind: 'gid', inside: user, outside: JOB_USER, count: 1 },
    ],
  );
}
