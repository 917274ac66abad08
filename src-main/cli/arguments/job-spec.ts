/** From the flags of `job run` to a checked specification. Loads the schema, so it is imported only when a job is run. */
import { isAbsolute, resolve } from 'node:path';
import {
  type CheckedJobSpec,
  jobSpecSchema,
  LOG_OVERFLOW,
  NO_RETRY,
} from '../../../native-helper/api/job-spec.ts';
import type * as z from '../../../native-helper/api/schema.ts';
import { parseStartTime } from '../../../native-helper/api/typed-time.ts';
import { usageError } from '../errors.ts';
import { commandLineOf, JOB_PATH } from './command-line.ts';
import { formatDuration, parseDuration } from './duration.ts';
import {
  type EnvironmentFlags,
  type Environments,
  environmentsOf,
  type ValueSources,
} from './environment.ts';
import { parseLabels } from './labels.ts';
import { parseMount, type Toolchain, toolchainOf, workDirectoryIn } from './mount.ts';
import { parseWholeNumber } from './number.ts';
import { parseRetry } from './retry.ts';
import { formatMemorySize, parseMemorySize } from './size.ts';
import { parseVolumes } from './volumes.ts';

/** The flags of `job run` that make up the specification, as typed. */
export interface JobSpecFlags extends EnvironmentFlags {
  readonly name?: string;
  readonly maxCpu?: string;
  readonly cpuWeight?: string;
  readonly maxMemory?: string;
  readonly logOverflow?: 'continue' | 'block';
  readonly maxDisk?: string;
  readonly maxPids?: string;
  readonly cpuCores?: string;
  readonly memoryHigh?: string;
  readonly maxSwap?: string;
  readonly maxIobps?: string;
  readonly ioWeight?: string;
  readonly timeout?: string;
  readonly stopGrace?: string;
  readonly workdir?: string;
  readonly hostname?: string;
  readonly volume?: readonly string[];
  readonly label?: readonly string[];
  readonly schedule?: string;
  readonly retry?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly network?: string;
  readonly publish?: readonly string[];
  readonly allowConnect?: string;
  readonly allowBind?: string;
  readonly require?: readonly string[];
  readonly seccomp?: string;
  readonly mount?: readonly string[];
  readonly toolchain?: readonly string[];
  readonly upload?: readonly string[];
  readonly uploadDir?: readonly string[];
}

/** Which flag set a field of the specification, so that an error can name it. */
const FLAG_OF_FIELD: Readonly<Record<string, string>> = {
  name: '--name',
  command: 'command',
  args: 'arguments',
  secretEnvironment: '--secret-env',
  'limits.cpuPercent': '--max-cpu',
  'limits.cpuWeight': '--cpu-weight',
  'limits.memoryBytes': '--max-memory',
  workBytes: '--max-disk',
  logOverflow: '--log-overflow',
  'limits.pids': '--max-pids',
  'limits.cpuCores': '--cpu-cores',
  'limits.memoryHighBytes': '--memory-high',
  'limits.swapBytes': '--max-swap',
  'limits.ioBytesPerSecond': '--max-iobps',
  'limits.ioWeight': '--io-weight',
  timeoutMs: '--timeout',
  stopGraceMs: '--stop-grace',
  workDir: '--workdir',
  hostname: '--hostname',
  volumes: '--volume',
  labels: '--label',
  startAtUs: '--schedule',
  retry: '--retry',
  terminal: '--tty',
  stdin: '--stdin',
  network: '--network',
  ports: '--publish',
  require: '--require',
  'tcpPorts.connect': '--allow-connect',
  'tcpPorts.bind': '--allow-bind',
  seccompLevel: '--seccomp',
  mounts: '--mount',
  uploads: '--upload',
};

/** How a bound is told in the unit that the flag takes. */
const FORMAT_OF_FIELD: Readonly<Record<string, (bound: bigint) => string>> = {
  'limits.memoryBytes': formatMemorySize,
  workBytes: formatMemorySize,
  'limits.memoryHighBytes': formatMemorySize,
  'limits.swapBytes': formatMemorySize,
  timeoutMs: formatDuration,
  stopGraceMs: formatDuration,
  'retry.delayMs': formatDuration,
};

/** Of a terminal that nobody sits before yet. */
const USUAL_SIZE = { columns: 80, rows: 24 };

/** @throws JobletError of kind `invalid` that names the flag or argument at fault */
export function jobSpecOf(
  flags: JobSpecFlags,
  words: readonly string[],
  sources: ValueSources,
): CheckedJobSpec {
  const toolchains = (flags.toolchain ?? []).map((name) => toolchainOf(name, sources));
  const mounts = [
    ...(flags.mount ?? []).map((text) => parseMount(text, sources)),
    ...toolchains.flatMap((toolchain) => toolchain.mounts),
  ];
  const { environment: typed, secretEnvironment, flagOf } = environmentsOf(flags, sources);
  const environment = environmentWith(toolchains, typed);
  const result = jobSpecSchema.safeParse({
    ...commandLineOf(words, environment.PATH),
    name: flags.name ?? '',
    environment,
    secretEnvironment,
    limits: limitsOf(flags),
    timeoutMs: nonZeroDuration(flags.timeout, '--timeout'),
    stopGraceMs: nonZeroDuration(flags.stopGrace, '--stop-grace'),
    workDir: flags.workdir ?? workDirectoryIn(mounts, sources),
    hostname: flags.hostname ?? '',
    volumes: parseVolumes(flags.volume ?? []),
    labels: parseLabels(flags.label ?? []),
    startAtUs: flags.schedule === undefined ? 0n : startTimeOf(flags.schedule),
    retry: flags.retry === undefined ? NO_RETRY : parseRetry(flags.retry),
    ...(flags.tty === true && { terminal: USUAL_SIZE }),
    stdin: flags.stdin === true && flags.tty !== true,
    network: flags.network ?? '',
    ports: flags.publish ?? [],
    require: flags.require ?? [],
    tcpPorts: tcpPortsOf(flags),
    ...seccompOf(flags),
    mounts,
    uploads: [...(flags.upload ?? []), ...(flags.uploadDir ?? [])].map((path) => uploadOf(path, sources)),
    ...(flags.logOverflow !== undefined && { logOverflow: LOG_OVERFLOW[flags.logOverflow] }),
    ...(flags.maxDisk !== undefined && { workBytes: parseMemorySize(flags.maxDisk, '--max-disk') }),
  });
  if (!result.success) {
    throw usageErrorOf(result.error.issues, flagOf);
  }
  return result.data;
}

/** The whole path: the upload may go on later, from any folder. */
function uploadOf(path: string, { directory }: ValueSources): string {
  if (path === '' || (directory === undefined && !isAbsolute(path))) {
    throw usageError(`--upload ${path}`, 'names no path that is known here', 'Give the whole path.');
  }
  return resolve(directory ?? '/', path);
}

function startTimeOf(text: string): bigint {
  const time = parseStartTime(text, Date.now());
  if ('fault' in time) {
    throw usageError('--schedule', `'${text}' ${time.fault}`);
  }
  return time.value;
}

/** What the user sets counts for more, but for PATH, before which the toolchains' folders come. */
function environmentWith(
  toolchains: readonly Toolchain[],
  environment: Record<string, string>,
): Record<string, string> {
  const folders = toolchains.flatMap(({ path }) => path);
  return {
    ...Object.assign({}, ...toolchains.map((toolchain) => toolchain.environment)),
    ...environment,
    ...(folders.length > 0 && { PATH: [...folders, environment.PATH ?? JOB_PATH].join(':') }),
  };
}

function limitsOf(flags: JobSpecFlags) {
  const { maxCpu, cpuWeight, maxMemory, maxPids, cpuCores, memoryHigh, maxSwap, maxIobps, ioWeight } = flags;
  return {
    ...(maxCpu !== undefined && { cpuPercent: Number(parseWholeNumber(maxCpu, '--max-cpu')) }),
    ...(cpuWeight !== undefined && { cpuWeight: Number(parseWholeNumber(cpuWeight, '--cpu-weight')) }),
    ...(maxMemory !== undefined && { memoryBytes: parseMemorySize(maxMemory, '--max-memory') }),
    ...(maxPids !== undefined && { pids: parseWholeNumber(maxPids, '--max-pids') }),
    ...(cpuCores !== undefined && { cpuCores }),
    ...(memoryHigh !== undefined && { memoryHighBytes: parseMemorySize(memoryHigh, '--memory-high') }),
    ...(maxSwap !== undefined && { swapBytes: parseMemorySize(maxSwap, '--max-swap') }),
    ...(maxIobps !== undefined && { ioBytesPerSecond: parseWholeNumber(maxIobps, '--max-iobps') }),
    ...(ioWeight !== undefined && { ioWeight: Number(parseWholeNumber(ioWeight, '--io-weight')) }),
  };
}

/** An empty list has no way to be typed. */
function tcpPortsOf({ allowConnect, allowBind }: JobSpecFlags) {
  const listOf = (typed: string): string => (typed === 'none' ? '' : typed);
  return {
    ...(allowConnect !== undefined && { connect: listOf(allowConnect) }),
    ...(allowBind !== undefined && { bind: listOf(allowBind) }),
  };
}

function seccompOf({ seccomp }: JobSpecFlags) {
  return seccomp === undefined ? {} : { seccompLevel: Number(parseWholeNumber(seccomp, '--seccomp')) };
}

/** 0 means "not asked for" in a specification, so a zero that was typed has no way to say what it means. */
function nonZeroDuration(text: string | undefined, flag: string): bigint {
  if (text === undefined) {
    return 0n;
  }
  const milliseconds = parseDuration(text, flag);
  if (milliseconds === 0n) {
    throw usageError(flag, 'must be at least 1ms', 'Leave it out for the default.');
  }
  return milliseconds;
}

function usageErrorOf(issues: readonly z.core.$ZodIssue[], flagOfVariable: Environments['flagOf']) {
  const [first] = issues;
  // A number beyond what JavaScript holds exactly is reported first; the bound of its field comes after.
  const issue = first?.code === 'too_big' ? issues.findLast(({ code }) => code === 'too_big') : first;
  const field = issue?.path.join('.') ?? '';
  const flag =
    issue?.path[0] === 'environment'
      ? flagOfVariable(issue.path[1]?.toString()) || '--toolchain'
      : (FLAG_OF_FIELD[field] ?? FLAG_OF_FIELD[String(issue?.path[0])] ?? field);
  const isNamed = /^(environment|secretEnvironment|labels)\./.test(field);
  const object = isNamed ? `${flag} ${String(issue?.path[1])}` : flag;
  return usageError(object, issue === undefined ? 'is invalid' : reasonOf(issue, field));
}

function reasonOf(issue: z.core.$ZodIssue, field: string): string {
  const format = FORMAT_OF_FIELD[field] ?? String;
  switch (issue.code) {
    case 'too_small':
      return `must be at least ${format(BigInt(issue.minimum))}`;
    case 'too_big':
      return `must be at most ${format(BigInt(issue.maximum))}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}
