/** Specification → plan. All policy about a job's isolation is decided here and in the modules this one calls. */
import { readFileSync } from 'node:fs';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobletError } from '../../api/errors.ts';
import { type CheckedJobSpec, LOG_OVERFLOW } from '../../api/job-spec.ts';
import { hasAddresses } from '../../api/networks.ts';
import type { HardLimits } from '../../kernel/resource-limits.ts';
import type { OpenedMounts } from '../mounts/job-mounts.ts';
import { seccompProgram, seccompProgramWithTcpPorts } from '../seccomp/programs.ts';
import { environmentOf } from './environment.ts';
import type { HostRoot } from './host-root.ts';
import { DEVICES, ownMounts, ROOT } from './job-root.ts';
import { landlockOf } from './landlock.ts';
import { effectiveLimits, type LimitHost, limitFilesOf } from './limits.ts';
import type { LogPlan, Plan, ResourceLimit } from './plan.ts';
import { identityOf, type JobNames, writtenFilesFor } from './root-files.ts';
import { openSource, PlanSources, type Source } from './sources.ts';
import { volumeMounts } from './volume-mounts.ts';

/** What the compiler knows of this machine: the same for all jobs. */
export interface CompileContext {
  readonly jobsConfig: ServerConfig['jobs'];
  readonly hostRoot: HostRoot;
  readonly limitHost: LimitHost;
  readonly hardLimits: HardLimits;
  /** The version of the kernel's Landlock; 0 = it has none. */
  readonly landlockAbi: number;
  /** @throws JobletError (refused) */
  readonly openVolume: (name: string) => Source;
}

export interface JobToCompile {
  /** Lower-case. */
  readonly uuid: string;
  readonly spec: CheckedJobSpec;
  /** The job's /work on disk: exists and is owned by the job's uid. */
  readonly workPath: string;
  /** Absent: it has none. */
  readonly mounts?: OpenedMounts | undefined;
  /** What its log may take where the disk doesn't take it; absent: DEFAULT_LOG_ROOM. */
  readonly logRoom?: LogRoom | undefined;
  /** What a job that has addresses of its own is started with; absent: the host's network, or none. */
  readonly attachment?: NetworkAttachment | undefined;
}

export interface LogRoom {
  readonly memoryBytes: bigint;
  /** A file in another place; it outlives the plan. */
  readonly spill?: { readonly source: Source; readonly bytes: bigint } | undefined;
}

const DEFAULT_LOG_ROOM: LogRoom = { memoryBytes: 64n * 2n ** 20n };

/** A network namespace that was made for the job, and what its files say of it. */
export interface NetworkAttachment {
  readonly namespaceFd: number;
  readonly resolvConf: string;
  readonly hosts: string;
}

export interface CompiledJob extends Disposable {
  readonly plan: Plan;
  /** The plan's sources; disposed with the job when its monitor has been started. */
  readonly sources: PlanSources;
}

/** sys/resource.h, the same on x86-64 and arm64. */
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;
const RLIMIT_NICE = 13;
const RLIMIT_RTPRIO = 14;
/** core(5) */
const CORE_PATTERN = '/proc/sys/kernel/core_pattern';
/** What select(2) can count, and what shells and closers of descriptors are made for. Programs may raise it. */
const OPEN_FILES_SOFT = 1024n;

/** A job yields to the desktop's own processes, which stand at 0: about one share to nine at full load. */
const NICE = 10;
/** When memory runs out, the kernel ends jobs before the desktop (browsers set 200 to 300 on their tabs). */
const OOM_SCORE_ADJUSTMENT = 500;

/**
 * Checks that all that was asked for is possible here, and opens what the plan will show.
 *
 * @throws JobletError (refused) naming layer, cause and mend, when it is not: then nothing stays open.
 */
export function compileJob(job: JobToCompile, context: CompileContext): CompiledJob {
  const { user, group } = context.jobsConfig;
  refuseRoot(user, group);
  const limits = limitFilesOf(effectiveLimits(job.spec.limits, context.jobsConfig.limits), context.limitHost);
  const sources = new PlanSources();
  try {
    const plan = planOf(job, context, sources, limits);
    return { plan, sources, [Symbol.dispose]: () => sources[Symbol.dispose]() };
  } catch (error) {
    sources[Symbol.dispose]();
    throw error;
  }
}

function planOf(
  { uuid, spec, workPath, attachment, mounts, logRoom }: JobToCompile,
  { jobsConfig, hostRoot, hardLimits, landlockAbi, openVolume }: CompileContext,
  sources: PlanSources,
  limits: Plan['limits'],
): Plan {
  const hostname = spec.hostname === '' ? uuid.slice(0, 8) : spec.hostname;
  const identity = identityOf(jobsConfig.user, jobsConfig.group, hostname);
  const workSource = sources.take(openSource(workPath));
  const landlock = landlockOf(spec, landlockAbi);
  const network = networkOf(uuid, spec.network, attachment, sources);
  return {
    uuid,
    namespaces: {
      pid: true,
      mount: true,
      ipc: true,
      uts: true,
      cgroup: true,
      user: false,
      network,
    },
    hostname,
    credentials: { uid: jobsConfig.user, gid: jobsConfig.group, groups: [], capabilities: 0n },
    idRanges: [],
    idMaps: mounts?.idMaps ?? [],
    mounts: [
      ROOT,
      ...hostRoot.mountsFor(sources),
      ...writtenFilesFor(identity, namesFor(network, attachment)),
      ...ownMounts(workSource, BigInt(jobsConfig.tmp_bytes)),
      ...volumeMounts(spec.volumes, (name) => sources.take(openVolume(name))),
      ...(mounts?.mountsFor(sources) ?? []),
    ],
    devices: DEVICES,
    limits,
    resourceLimits: resourceLimits(hardLimits),
    environment: environmentOf(uuid, identity.userName, spec),
    argv: [spec.command, ...spec.args],
    workDirectory: spec.workDir === '' ? '/work' : spec.workDir,
    ...inputOf(spec),
    ...withFilter(spec.seccompLevel ?? jobsConfig.seccomp_level, landlock),
    ...(landlock !== undefined && { landlock }),
    log: logOf(spec, logRoom ?? DEFAULT_LOG_ROOM, sources),
    timeoutMs: spec.timeoutMs,
    stopGraceMs: spec.stopGraceMs === 0n ? BigInt(jobsConfig.stop_grace_ms) : spec.stopGraceMs,
    nice: NICE,
    oomScoreAdjustment: OOM_SCORE_ADJUSTMENT,
  };
}

function inputOf({ terminal, stdin }: CheckedJobSpec): Pick<Plan, 'input'> {
  if (terminal !== undefined) {
    return { input: { kind: 'terminal', ...terminal } };
  }
  return stdin ? { input: { kind: 'pipe' } } : {};
}

function logOf(
  { logOverflow }: CheckedJobSpec,
  { memoryBytes, spill }: LogRoom,
  sources: PlanSources,
): LogPlan {
  const overflow = logOverflow === LOG_OVERFLOW.block ? 'block' : 'continue';
  return {
    overflow,
    memoryBytes,
    ...(spill !== undefined && { spill: { slot: sources.lend(spill.source), bytes: spill.bytes } }),
  };
}

function networkOf(
  uuid: string,
  name: string,
  attachment: NetworkAttachment | undefined,
  sources: PlanSources,
): Plan['namespaces']['network'] {
  if (!hasAddresses(name)) {
    return { kind: name === 'none' ? 'new' : 'host' };
  }
  if (attachment === undefined) {
    throw new Error(`job ${uuid} was to be compiled before it had its network`);
  }
  // A replay finds nothing by this name: the namespace has gone with the job, and the host's is not what was asked for.
  const path = `/run/joblet/network-of-${uuid}`;
  return { kind: 'join', slot: sources.lend({ fd: attachment.namespaceFd, path }) };
}

/** A job without a network has nobody to ask. */
function namesFor(
  { kind }: Plan['namespaces']['network'],
  attachment: NetworkAttachment | undefined,
): JobNames {
  return kind === 'host' ? {} : { resolvConf: attachment?.resolvConf ?? '', hosts: attachment?.hosts ?? '' };
}

function withFilter(level: number, landlock: Plan['landlock']): Pick<Plan, 'seccomp'> {
  const limitsPorts = landlock?.bind !== undefined || landlock?.connect !== undefined;
  const seccomp = limitsPorts ? seccompProgramWithTcpPorts(level) : seccompProgram(level);
  return seccomp === undefined ? {} : { seccomp };
}

/**
 * Without core dumps: 0 keeps the kernel from writing a file, but only 1 keeps it from starting the host's handler of
 * core dumps as well (fs/coredump.c), and no file has room in one byte. With the usual soft limit of open files, since
 * Node raises its own, which is inherited. Without a right to real time or to go before others, which whoever started the helper may have
 * (limits.conf(5)): no share of a cgroup holds back what runs in real time.
 */
function resourceLimits({ openFiles, coreDump }: HardLimits): ResourceLimit[] {
  const softOpenFiles = openFiles < OPEN_FILES_SOFT ? openFiles : OPEN_FILES_SOFT;
  const core = coreDump < 1n ? 0n : 1n;
  if (core === 0n) {
    refuseCoreDumpHandler();
  }
  return [
    { resource: RLIMIT_CORE, soft: core, hard: core },
    { resource: RLIMIT_NOFILE, soft: softOpenFiles, hard: openFiles },
    { resource: RLIMIT_NICE, soft: 0n, hard: 0n },
    { resource: RLIMIT_RTPRIO, soft: 0n, hard: 0n },
  ];
}

/** `sudo` gives its programs a limit of 0, and where root has not CAP_SYS_RESOURCE, as in many containers, that is final. */
function refuseCoreDumpHandler(): void {
  const pattern = readFileSync(CORE_PATTERN, 'utf8').trim();
  if (pattern.startsWith('|')) {
    throw new JobletError('refused', {
      layer: 'process',
      operation: 'compile',
      object: 'RLIMIT_CORE',
      reason: `the helper's own limit is 0, which does not keep a job's core dump from this machine's handler (${pattern})`,
      mend: `Start the helper as root without sudo, or write a plain name into ${CORE_PATTERN}.`,
    });
  }
}

/** Root without capabilities still owns root's files. */
function refuseRoot(user: number, group: number): void {
  if (user === 0 || group === 0) {
    throw new JobletError('refused', {
      layer: 'credentials',
      operation: 'compile',
      object: user === 0 ? 'jobs.user' : 'jobs.group',
      reason: 'a job never runs as root',
      mend: 'Set it to 65534 in the configuration of the helper.',
    });
  }
}
