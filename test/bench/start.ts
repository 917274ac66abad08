/**
 * The time from a plan to the end of /bin/true, seen by the helper: memory file, monitor, all layers of the sandbox,
 * log, isolation report, exit record. bubblewrap builds the same namespaces and root with the same spawner, and writes
 * neither log, report nor record.
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { pino } from 'pino';
import { jobsConfigSchema, logsConfigSchema } from '../../native-helper/api/config-schema.ts';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { CgroupTree } from '../../native-helper/kernel/cgroup.ts';
import { loadAssets } from '../../native-helper/server/assets.ts';
import { prepareFolders } from '../../native-helper/server/config/folders.ts';
import { JobFolder } from '../../native-helper/server/jobs/job-folder.ts';
import { MonitorLauncher } from '../../native-helper/server/jobs/monitor-launcher.ts';
import { endOfJob } from '../../native-helper/server/jobs/start-cost.ts';
import { openSource } from '../../native-helper/server/plan/sources.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { Bubblewrap } from './bubblewrap.ts';
import { Children } from './children.ts';
import { alternating, describe, type Measurement, median, timed } from './measurement.ts';
import { holdPastJobs } from './past-jobs.ts';
import { compileSample, SAMPLE_SPEC } from './sample-job.ts';

const PAIRS = 200;
const PAST_JOBS = 1000;
const BAR = 1.0;

export async function run(): Promise<Measurement> {
  const root = temporaryRoot();
  const paths = pathsUnder(root);
  prepareFolders(paths);
  const cgroups = CgroupTree.prepare(root);
  const jobsConfig = jobsConfigSchema.parse({});
  try {
    using children = new Children();
    using launcher = new MonitorLauncher({
      paths,
      jobsConfig,
      logsConfig: logsConfigSchema.parse({}),
      cgroups,
      openVolume: openSource,
      ...loadAssets(),
      logger: pino({ enabled: false }),
    });
    using resources = new DisposableStack();
    const { plan, sources } = compileSample(resources, root);
    using bubblewrap = new Bubblewrap(children, plan, sources);
    const pastJobs = holdPastJobs(paths, PAST_JOBS);
    const values = await alternating(
      PAIRS,
      () => oneJob(new JobFolder(paths, randomUUID()), jobsConfig, launcher, children),
      () => timed(() => bubblewrap.run()),
    );
    process.stdout.write(
      `${describe('joblet', values.ours, 'ms')}\n${describe('bwrap', values.peer, 'ms')}\n`,
    );
    process.stdout.write(`the helper held ${pastJobs.length} past jobs\n`);
    return measurementOf(values);
  } finally {
    cgroups.close();
    rmSync(root, { recursive: true, force: true });
  }
}

function measurementOf(values: { ours: number[]; peer: number[] }): Measurement {
  const [figure, peer] = [median(values.ours), median(values.peer)];
  const ratio = figure / peer;
  const against = 'bwrap, same namespaces, root and spawner';
  return { name: 'start', figure, unit: 'ms', against, peer, ratio, bar: `<= ${BAR}`, ok: ratio <= BAR };
}

/** The clock stops when the end is known; what the monitor writes to disk after that must not disturb the peer. */
async function oneJob(
  folder: JobFolder,
  jobsConfig: { readonly user: number; readonly group: number },
  launcher: MonitorLauncher,
  children: Children,
): Promise<number> {
  folder.create(jobsConfig);
  let pid = 0;
  const milliseconds = await timed(async () => {
    const launched = await launcher.launch(SAMPLE_SPEC, folder);
    pid = launched.pid;
    await endOfJob(launched.socket);
  });
  await children.ended(pid);
  return milliseconds;
}
