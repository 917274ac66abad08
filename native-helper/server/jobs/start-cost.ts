/** What starting a job costs on this machine: a few jobs that do nothing, started as every other is. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobSpecSchema } from '../../api/gen/joblet_pb.js';
import type { Paths } from '../../api/paths.ts';
import { JobFolder } from './job-folder.ts';
import type { MonitorLauncher } from './monitor-launcher.ts';
import { MonitorLink } from './monitor-link.ts';
import { Reaper } from './reaper.ts';
import { checkedSpec } from './specification.ts';

/** Odd, so that there is one in the middle; the first only warms up. */
const STARTS = 7;
const PATIENCE_MS = 2000;

export interface StartCostOptions {
  readonly paths: Paths;
  readonly jobsConfig: ServerConfig['jobs'];
  readonly launcher: MonitorLauncher;
}

/**
 * The jobs are in no list: should the helper die on the way, its next start sweeps them away as it does the folders and processes of
 * no job.
 *
 * @returns milliseconds from the plan to the end of /bin/true, seen by the helper: the median.
 * @throws JobletError or Error when such a job can't be started, or does not end well.
 */
export async function measureStart(options: StartCostOptions): Promise<number> {
  using reaper = new Reaper();
  await startOne(options, reaper);
  const values: number[] = [];
  while (values.length < STARTS) {
    values.push(await startOne(options, reaper));
  }
  return values.sort((one, other) => one - other)[STARTS >> 1] as number;
}

async function startOne({ paths, jobsConfig, launcher }: StartCostOptions, reaper: Reaper): Promise<number> {
  const folder = new JobFolder(paths, randomUUID());
  const spec = checkedSpec(create(JobSpecSchema, { command: '/bin/true' }));
  folder.create(jobsConfig);
  try {
    const begin = performance.now();
    const { pid, socket } = await launcher.launch(spec, folder);
    try {
      await endOfJob(socket);
      return performance.now() - begin;
    } finally {
      await new Promise((resolve) => reaper.expect(pid, resolve));
    }
  } finally {
    await folder.remove();
  }
}

/**
 * Resolves when its monitor tells of a good end, and lets the monitor go.
 *
 * @throws Error when the job ends otherwise, or not within two seconds: then the monitor ends it.
 */
export function endOfJob(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = new MonitorLink(socket, {
      message(message) {
        if (message.event !== 'exited') {
          return;
        }
        clearTimeout(timer);
        link.release();
        if (message.ended_by === 'exit' && message.exit_code === 0) {
          resolve();
        } else {
          reject(new Error(`the job ended by ${message.ended_by}: ${JSON.stringify(message.error)}`));
        }
      },
      closed: (reason) => {
        clearTimeout(timer);
        reject(new Error(reason));
      },
    });
    const timer = setTimeout(() => link.stop(0n), PATIENCE_MS);
  });
}
