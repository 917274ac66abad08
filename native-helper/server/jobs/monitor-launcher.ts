/** Starts monitors: the only place where the helper makes a process for a job. */
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobletError } from '../../api/errors.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import type { Paths } from '../../api/paths.ts';
import { diskOf, ioSharingOf } from '../../kernel/block-device.ts';
import type { CgroupTree } from '../../kernel/cgroup.ts';
import { tryLock } from '../../kernel/lock.ts';
import { createSealedMemfd } from '../../kernel/memfd.ts';
import { hardLimits } from '../../kernel/resource-limits.ts';
import { createSocketPair } from '../../kernel/socketpair.ts';
import { spawnExecutable } from '../../kernel/spawn.ts';
import { landlockAbi } from '../../kernel/system-call.ts';
import type { Logger } from '../log.ts';
import { memoryShare, openSpill } from '../logs/log-room.ts';
import type { OpenedMounts } from '../mounts/job-mounts.ts';
import type { Attachment } from '../networks/networks.ts';
import { type CompileContext, compileJob, type LogRoom } from '../plan/compile.ts';
import { encodePlan } from '../plan/encode.ts';
import { HostRoot } from '../plan/host-root.ts';
import { landlockOf } from '../plan/landlock.ts';
import { effectiveLimits, limitFilesOf } from '../plan/limits.ts';
import { manifestOf, withoutSecrets } from '../plan/manifest.ts';
import type { JobFolder } from './job-folder.ts';

/** docs/monitor-protocol.md; the sources of the plan follow from 10. */
const DESCRIPTOR = {
  plan: 0,
  output: 1,
  errors: 2,
  control: 3,
  folder: 4,
  cgroup: 5,
  monitors: 6,
} as const;

/** Of the plan's sources; what the monitor only has to hold comes after them. */
const FIRST_SOURCE = 10;

export interface LauncherOptions {
  readonly paths: Paths;
  readonly jobsConfig: ServerConfig['jobs'];
  readonly logsConfig: ServerConfig['logs'];
  readonly cgroups: CgroupTree;
  /** The bytes of the executor. */
  readonly executor: Uint8Array;
  readonly openVolume: CompileContext['openVolume'];
  /** SHA-256 in 64 hexadecimal digits, as the executor was built with. */
  readonly buildId: string;
  readonly logger: Logger;
}

/** A monitor on its way up. */
export interface LaunchedMonitor {
  /** Our child: it has to be waited for. */
  readonly pid: number;
  /** The helper's end of its control socket. */
  readonly socket: Socket;
}

/** What takes time and is made before, of a job that asks for it. */
export interface PreparedForLaunch {
  readonly attachment?: Attachment | undefined;
  readonly mounts?: OpenedMounts | undefined;
  /** What of its output may wait in memory; absent: as if it were alone. */
  readonly logMemoryBytes?: bigint;
}

export class MonitorLauncher implements Disposable {
  readonly #context: CompileContext;
  readonly #buildId: string;
  readonly #buildIdBytes: Buffer;
  readonly #logger: Logger;
  readonly #hostRoot: HostRoot;
  /** Sealed: the executor for other tasks of the helper. */
  readonly executorFd: number;
  readonly #helperLog: string;
  readonly #logsConfig: ServerConfig['logs'];
  readonly #cgroupFd: number;
  /** The folder of adoption sockets. */
  readonly monitorsFd: number;

  /** Opens once what every monitor gets, so that starting one opens little. */
  constructor({
    paths,
    jobsConfig,
    logsConfig,
    cgroups,
    executor,
    openVolume,
    buildId,
    logger,
  }: LauncherOptions) {
    this.#buildId = buildId;
    this.#buildIdBytes = Buffer.from(buildId, 'hex');
    this.#logger = logger;
    this.executorFd = createSealedMemfd('joblet-executor', executor);
    this.#helperLog = paths.helperLog;
    this.#logsConfig = logsConfig;
    this.monitorsFd = openSync(paths.monitorsDirectory, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#cgroupFd = cgroups.openJobs();
    this.#hostRoot = HostRoot.open();
    this.#context = {
      jobsConfig,
      hostRoot: this.#hostRoot,
      limitHost: {
        controllerFault: (controller) => cgroups.controllerFault(controller),
        usableCpus: () => cgroups.usableCpus(),
        jobsDisk: () => diskOf(paths.jobsDirectory),
        ioSharing: (disk) => ioSharingOf(disk, cgroups.mount),
      },
      hardLimits: hardLimits(),
      landlockAbi: landlockAbi(),
      openVolume,
    };
  }

  /** @throws JobletError (refused) when the job asks for a limit that this machine can't enforce. */
  refuseImpossible(spec: CheckedJobSpec): void {
    const { jobsConfig, limitHost, landlockAbi: abi } = this.#context;
    limitFilesOf(effectiveLimits(spec.limits, jobsConfig.limits), limitHost);
    landlockOf(spec, abi);
  }

  /**
   * Starts the monitor of a job, whose folder must be there.
   *
   * @throws JobletError when the job can't be started; then nothing runs.
   */
  async launch(
    spec: CheckedJobSpec,
    folder: JobFolder,
    { attachment, mounts, logMemoryBytes }: PreparedForLaunch = {},
  ): Promise<LaunchedMonitor> {
    using opened = new Descriptors();
    const logRoom = {
      memoryBytes: logMemoryBytes ?? memoryShare(this.#logsConfig.memory_bytes, 1),
      spill: this.#openSpill(folder.uuid, opened),
    };
    using compiled = compileJob(
      { uuid: folder.uuid, spec, workPath: folder.work, attachment, mounts, logRoom },
      this.#context,
    );
    const { plan, sources } = compiled;
    const bytes = encodePlan(plan, this.#buildIdBytes);
    const descriptors = sources.descriptors();
    for (const fd of attachment?.portFds ?? []) {
      descriptors.set(FIRST_SOURCE + descriptors.size, fd);
    }
    const secretNames = Object.keys(spec.secretEnvironment);
    const kept =
      secretNames.length === 0 ? bytes : encodePlan(withoutSecrets(plan, secretNames), this.#buildIdBytes);
    const manifest = manifestOf(folder.uuid, this.#buildId, sources);
    const launching = this.#spawn(bytes, descriptors, folder);
    // While the monitor is on its way up: the job does not wait for what only a person may read one day, and does not
    // end for the lack of it.
    try {
      folder.writeForReplay(kept, manifest);
    } catch (error) {
      this.#logger.warn({ err: error, job: folder.uuid }, 'the plan of a job could not be kept for replay');
    }
    return await launching;
  }

  /** A job is worth more than a place for what it may never have to say: it goes without one that is not there. */
  #openSpill(uuid: string, opened: Descriptors): LogRoom['spill'] {
    const { spill_dir, spill_bytes } = this.#logsConfig;
    if (spill_dir === undefined) {
      return undefined;
    }
    try {
      const source = openSpill(spill_dir, uuid);
      opened.own(source.fd);
      return { source, bytes: BigInt(spill_bytes) };
    } catch (error) {
      this.#logger.warn({ err: error, job: uuid }, 'logs.spill_dir of the configuration cannot be used');
      return undefined;
    }
  }

  async #spawn(
    plan: Uint8Array,
    sources: ReadonlyMap<number, number>,
    folder: JobFolder,
  ): Promise<LaunchedMonitor> {
    using given = new Descriptors();
    const folderFd = given.own(folder.open());
    // Held as long as the monitor lives, since it belongs to the open file that the monitor inherits: how a later
    // helper tells a monitor that is on its way up or down from one that is gone (JobFolder.isInUse).
    if (!tryLock(folderFd)) {
      throw new JobletError('conflict', {
        layer: 'monitor',
        operation: 'flock',
        object: folder.path,
        reason: 'a monitor of this job is already running',
        mend: '',
      });
    }
    // Opened again for each: the log is replaced when it is full.
    const logFd = given.own(
      openSync(this.#helperLog, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600),
    );
    const planFd = given.own(createSealedMemfd('joblet-plan', plan, 'data'));
    const [kept, control] = createSocketPair();
    given.own(control);
    try {
      const pid = await spawnExecutable({
        executableFd: this.executorFd,
        argv: ['joblet-executor', 'monitor'],
        descriptors: new Map([
          [DESCRIPTOR.plan, planFd],
          [DESCRIPTOR.output, logFd],
          [DESCRIPTOR.errors, logFd],
          [DESCRIPTOR.control, control],
          [DESCRIPTOR.folder, folderFd],
          [DESCRIPTOR.cgroup, this.#cgroupFd],
          [DESCRIPTOR.monitors, this.monitorsFd],
          ...sources,
        ]),
        newSession: true,
        environment: [],
      });
      return { pid, socket: new Socket({ fd: kept }) };
    } catch (error) {
      closeSync(kept);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#hostRoot[Symbol.dispose]();
    for (const fd of [this.executorFd, this.#cgroupFd, this.monitorsFd]) {
      closeSync(fd);
    }
  }
}

/** Descriptors that are closed together. */
class Descriptors implements Disposable {
  readonly #fds: number[] = [];

  own(fd: number): number {
    this.#fds.push(fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) {
      closeSync(fd);
    }
  }
}
