/** Starts jobs the way the helper does, with the normal executor or with one that leaves out layers. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { JobletError } from '../../native-helper/api/errors.ts';
import type { CheckedJobSpec } from '../../native-helper/api/job-spec.ts';
import { type Paths, pathsUnder } from '../../native-helper/api/paths.ts';
import * as z from '../../native-helper/api/schema.ts';
import { CgroupTree } from '../../native-helper/kernel/cgroup.ts';
import { createSealedMemfd } from '../../native-helper/kernel/memfd.ts';
import { reapChild } from '../../native-helper/kernel/wait.ts';
import type { ExitRecord } from '../../native-helper/server/jobs/exit-record.ts';
import { JobFolder } from '../../native-helper/server/jobs/job-folder.ts';
import { MonitorLink } from '../../native-helper/server/jobs/monitor-link.ts';
import { Session } from '../../native-helper/server/jobs/session.ts';
import { execOrder, type TerminalSize } from '../../native-helper/server/jobs/session-frames.ts';
import type { OpenedMounts } from '../../native-helper/server/mounts/job-mounts.ts';
import { SourceOpener } from '../../native-helper/server/mounts/source-opener.ts';
import { compileJob } from '../../native-helper/server/plan/compile.ts';
import { encodePlan } from '../../native-helper/server/plan/encode.ts';
import { HostRoot } from '../../native-helper/server/plan/host-root.ts';
import { PLAIN_SPEC } from '../fixtures/job-spec.ts';
import { compileContext, type SpawnedMonitor, spawnMonitor } from '../fixtures/monitor.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { PROBES } from './probes.ts';

/** The uid and gid of every job. */
export const JOB_USER = 65_534;
/** Of the machine or not: nothing but the number counts. */
export const ANN = 4321;
/** Where a probe's own launcher finds the executor: LENT_PROGRAM in probe.h. */
const LENT_PROGRAM = 200;
/** The one layer that is the helper's and not the executor's: nobody can write to the program that the monitor runs. */
export const SEALS = 'seals';
/** Another of the helper's: the folders in which those of jobs lie are for root alone. */
export const FOLDER_MODES = 'folder-modes';
/**
 * Jobs lie where a helper keeps them. Not below /tmp, which is often mounted nosuid and nodev already: those would
 * stand in for the layers that are left out.
 */
const JOBS_PARENT = '/var/lib';
const JOB_TIMEOUT_MS = 30_000;

export interface JobOptions {
  /** What the job asks for beside its command. */
  readonly spec?: Partial<CheckedJobSpec>;
  /** Puts into the job's /work what lies there when it starts. */
  readonly prepare?: (work: string) => void;
  /** Of the user's files. */
  readonly mounts?: OpenedMounts;
  /** A program of the probes that prepares the surroundings on the host, then starts the executor itself. */
  readonly launcher?: readonly string[];
  /** Descriptors that the monitor inherits beside those that belong to it. */
  readonly leaked?: ReadonlyMap<number, number>;
  /** The environment in which the monitor starts. */
  readonly environment?: readonly string[];
}

/** The layers that the weak executor leaves out; undefined stands for the normal executor. */
export type Weakened = readonly string[] | undefined;

function weakeningOf(weakened: Weakened): string[] {
  return weakened === undefined ? [] : [`JOBLET_WEAKEN=${weakened.join(',')}`];
}

function seesHost(weakened: Weakened): boolean {
  return weakened?.includes('mount-namespace') ?? false;
}

export interface StartedJob {
  readonly uuid: string;
  readonly monitor: number;
  readonly work: string;
  /** What the job has written up to now, both streams. */
  output(): string;
  /** Waits until the monitor has ended. @returns undefined when it left no record. */
  ended(): Promise<ExitRecord | undefined>;
}

/** What a command that somebody runs in a running job has written, both streams. */
export interface Executed {
  readonly output: string;
  /** false: it was refused, or the job ended before it. */
  readonly ran: boolean;
}

/** A job that waits for commands: `joblet job exec`. */
export interface OpenJob extends AsyncDisposable {
  readonly job: StartedJob;
  /** Where it finds the program of the probes. */
  readonly program: string;
  /** undefined when the job runs; else how it ended before it did. */
  readonly refused: ExitRecord | undefined;
  execute(command: readonly string[], terminal?: TerminalSize): Promise<Executed>;
}

interface Executor {
  readonly sealed: number;
  /** A file that everyone may write, as a memfd is without seals. */
  readonly unsealed: number;
  readonly buildId: Buffer;
}

/** A root, a cgroup tree and both executors: what the jobs of one test file share. */
export class Sandbox implements AsyncDisposable {
  readonly paths: Paths;
  readonly #cgroups: CgroupTree;
  readonly #hostRoot = HostRoot.open();
  readonly #executors: { readonly normal: Executor; readonly weak: Executor };
  readonly #log: number;
  readonly #cgroup: number;
  readonly #monitors: number;
  readonly #started: { readonly monitor: number; readonly uuid: string }[] = [];

  constructor() {
    this.paths = pathsUnder(temporaryRoot(JOBS_PARENT));
    copyFileSync(PROBES, this.#hostProbe);
    mkdirSync(this.paths.jobsDirectory, { recursive: true, mode: 0o700 });
    mkdirSync(this.paths.monitorsDirectory, { recursive: true, mode: 0o700 });
    this.#cgroups = CgroupTree.prepare(this.paths.root);
    this.#executors = { normal: this.#openExecutor('dist'), weak: this.#openExecutor('dist-weak') };
    this.#log = openSync(this.paths.helperLog, 'a', 0o600);
    this.#cgroup = this.#cgroups.openJobs();
    this.#monitors = openSync(this.paths.monitorsDirectory, 'r');
  }

  /** The program of the probes, for jobs that see the host's files. */
  get #hostProbe(): string {
    return join(this.paths.root, 'probe');
  }

  /** Where a job finds the program of the probes. */
  probeFor(weakened: Weakened): string {
    return seesHost(weakened) ? this.#hostProbe : '/work/probe';
  }

  start(weakened: Weakened, command: readonly string[], options: JobOptions): StartedJob {
    const { job, controlFd } = this.#start(weakened, command, options);
    // The monitor goes on without a helper, as it must.
    closeSync(controlFd);
    return job;
  }

  /** Starts a job, and keeps the helper's end of its monitor. */
  async open(weakened: Weakened, command: readonly string[], options: JobOptions): Promise<OpenJob> {
    const { job, controlFd } = this.#start(weakened, command, options);
    const running = Promise.withResolvers<boolean>();
    const link = new MonitorLink(new Socket({ fd: controlFd }), {
      message: ({ event }) => event === 'running' && running.resolve(true),
      closed: () => running.resolve(false),
    });
    return {
      job,
      program: this.probeFor(weakened),
      refused: (await running.promise) ? undefined : await job.ended(),
      execute: (argv, terminal) => execute(link, argv, terminal),
      [Symbol.asyncDispose]: async () => {
        link.dismiss();
        await job.ended();
        link.release();
      },
    };
  }

  #start(
    weakened: Weakened,
    command: readonly string[],
    options: JobOptions,
  ): { readonly job: StartedJob; readonly controlFd: number } {
    const uuid = crypto.randomUUID();
    const folder = new JobFolder(this.paths, uuid);
    folder.create({ user: JOB_USER, group: JOB_USER });
    // A job that is root without any capability must get in as well.
    chmodSync(folder.work, 0o755);
    copyFileSync(PROBES, join(folder.work, 'probe'));
    options.prepare?.(folder.work);
    if (weakened?.includes(FOLDER_MODES)) {
      this.#openFoldersDownTo(folder.path);
    }
    const { pid: monitor, controlFd } = this.#spawn(weakened, folder, command, options);
    this.#started.push({ monitor, uuid });
    let end: Promise<ExitRecord | undefined> | undefined;
    const job: StartedJob = {
      uuid,
      monitor,
      work: folder.work,
      output: () => (existsSync(folder.log) ? readFileSync(folder.log, 'utf8') : ''),
      ended: () => {
        end ??= this.#wait(monitor).then(() => folder.readExit());
        return end;
      },
    };
    return { job, controlFd };
  }

  #spawn(
    weakened: Weakened,
    folder: JobFolder,
    command: readonly string[],
    { spec, mounts, launcher, leaked, environment }: JobOptions,
  ): SpawnedMonitor {
    const executor = this.#executorFor(weakened);
    const program = weakened?.includes(SEALS) ? executor.unsealed : executor.sealed;
    using compiled = compileJob(
      {
        uuid: folder.uuid,
        spec: {
          ...PLAIN_SPEC,
          // A filter would stand in for the layers that are left out; seccomp.spec.ts asks for its own.
          seccompLevel: 0,
          // There is no /work on the host.
          ...(seesHost(weakened) ? { workDir: '/' } : {}),
          ...spec,
          command: command[0] ?? '',
          args: command.slice(1),
        },
        workPath: folder.work,
        mounts,
      },
      compileContext(this.#hostRoot, this.#cgroups),
    );
    const folderFd = folder.open();
    const probesFd = openSync(PROBES, 'r');
    try {
      return spawnMonitor({
        ...(launcher === undefined
          ? { executableFd: program }
          : { executableFd: probesFd, argv: ['probe', ...launcher] }),
        plan: encodePlan(compiled.plan, executor.buildId),
        logFd: this.#log,
        folderFd,
        cgroupFd: this.#cgroup,
        monitorsFd: this.#monitors,
        descriptors: [
          ...compiled.sources.descriptors(),
          ...(launcher === undefined ? [] : [[LENT_PROGRAM, program] as const]),
          ...(leaked ?? []),
        ],
        environment: [...(environment ?? []), ...weakeningOf(weakened)],
      });
    } finally {
      closeSync(folderFd);
      closeSync(probesFd);
    }
  }

  /** What opens paths with a user's rights. */
  sourceOpener(weakened: Weakened): SourceOpener {
    return new SourceOpener(this.#executorFor(weakened).sealed, weakeningOf(weakened));
  }

  search(weakened: Weakened, words: readonly string[]): number | null {
    const executor = `/proc/${process.pid}/fd/${this.#executorFor(weakened).sealed}`;
    const env = Object.fromEntries(weakeningOf(weakened).map((each) => each.split('=')));
    return spawnSync(executor, ['search', '0', ...words], { input: '', env }).status;
  }

  #executorFor(weakened: Weakened): Executor {
    return weakened === undefined ? this.#executors.normal : this.#executors.weak;
  }

  #openFoldersDownTo(path: string): void {
    for (let folder = path; folder !== dirname(this.paths.root); folder = dirname(folder)) {
      chmodSync(folder, 0o755);
    }
  }

  /** Whether a user of the host without any right finds something. */
  seenByAnotherUser(path: string): string {
    const ids = { uid: ANN, gid: ANN };
    return execFileSync(PROBES, ['filesystem.see', path], { encoding: 'utf8', ...ids }).trim();
  }

  openLog(): Disposable & { readonly fd: number } {
    const fd = openSync(this.paths.helperLog, 'a');
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  }

  helperLog(): string {
    return readFileSync(this.paths.helperLog, 'utf8');
  }

  /** The processes of a job that runs, init first. */
  processesOf({ uuid }: StartedJob): number[] {
    const members = readFileSync(join(this.#cgroups.jobPath(uuid), 'cgroup.procs'), 'utf8');
    return members.split('\n').filter(Boolean).map(Number);
  }

  #openExecutor(dist: 'dist' | 'dist-weak'): Executor {
    const path = join(import.meta.dirname, '../..', dist, 'joblet-executor');
    const version = versionSchema.parse(JSON.parse(execFileSync(path, ['version'], { encoding: 'utf8' })));
    const unsealed = join(this.paths.root, `${dist}-executor`);
    copyFileSync(path, unsealed);
    chmodSync(unsealed, 0o777);
    return {
      sealed: createSealedMemfd('joblet-executor', readFileSync(path)),
      unsealed: openSync(unsealed, 'r'),
      buildId: Buffer.from(version.build, 'hex'),
    };
  }

  async #wait(monitor: number): Promise<void> {
    const deadline = Date.now() + JOB_TIMEOUT_MS;
    while (reapChild(monitor) === null) {
      if (Date.now() > deadline) {
        // What monitors have said there says why.
        throw new Error(`monitor ${monitor} did not end within ${JOB_TIMEOUT_MS} ms\n${this.helperLog()}`);
      }
      await delay(5);
    }
  }

  /** Ends what still runs, and leaves nothing behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { uuid } of this.#started) {
      this.#cgroups.kill(uuid);
      await this.#cgroups.remove(uuid);
    }
    for (const fd of [this.#log, this.#cgroup, this.#monitors]) {
      closeSync(fd);
    }
    this.#hostRoot[Symbol.dispose]();
    for (const { sealed, unsealed } of Object.values(this.#executors)) {
      closeSync(sealed);
      closeSync(unsealed);
    }
    this.#cgroups.close();
    rmSync(this.paths.root, { recursive: true });
  }
}

async function execute(
  link: MonitorLink,
  argv: readonly string[],
  terminal: TerminalSize | undefined,
): Promise<Executed> {
  const socket = sessionOf(link);
  if (socket === undefined) {
    return { output: '', ran: false };
  }
  using session = new Session(socket);
  await session.send(execOrder({ argv, terminal, hasInput: terminal !== undefined, term: '' }));
  let output = '';
  for await (const { event, payload } of session.frames()) {
    if (event === 'stdout' || event === 'stderr') {
      output += payload.toString();
    } else if (event === 'refused') {
      return { output: payload.toString('utf8', 4), ran: false };
    } else if (event === 'exited') {
      return { output, ran: true };
    }
  }
  return { output, ran: false };
}

/** undefined: the monitor has gone, and its job with it. */
function sessionOf(link: MonitorLink): Socket | undefined {
  try {
    return link.openSession();
  } catch (error) {
    if (error instanceof JobletError) {
      return undefined;
    }
    throw error;
  }
}

const versionSchema = z.object({ build: z.string().check(z.regex(/^[0-9a-f]{64}$/)) });
