/** The object of `job status --json`: the keys that Joblet's users know, then ours. */
import {
  type Denial,
  type Job,
  LogOverflow,
  LogPlace,
  type LogState,
  type Usage,
} from '../../../native-helper/api/gen/joblet_pb.js';
import { megabytes } from '../arguments/size.ts';
import { formatVolume } from '../arguments/volumes.ts';
import { shownEnvironment, shownSecrets } from './environment.ts';
import { failureJson } from './job-end.ts';
import { DEFAULT_NETWORK, DEFAULT_WORK_DIRECTORY, signalName } from './job-status.ts';
import { statusName } from './status.ts';
import { rfc3339 } from './time.ts';

export function jobStatusJson(job: Job): Readonly<Record<string, unknown>> {
  const { spec } = job;
  const limits = spec?.limits;
  return {
    uuid: job.uuid,
    nodeId: job.nodeId,
    command: spec?.command ?? '',
    args: spec?.args ?? [],
    status: statusName(job.status),
    startTime: rfc3339(job.startedUs),
    endTime: rfc3339(job.endedUs),
    exitCode: job.exitCode ?? null,
    scheduledTime: rfc3339(spec?.startAtUs ?? 0n),
    environment: shownEnvironment(spec?.environment ?? {}),
    secretEnvironment: shownSecrets(spec?.secretEnvironment ?? {}),
    network: spec?.network || DEFAULT_NETWORK,
    volumes: (spec?.volumes ?? []).map(formatVolume),
    runtime: '',
    workDir: spec?.workDir || DEFAULT_WORK_DIRECTORY,
    uploads: spec?.uploads ?? [],
    maxCPU: limits?.cpuPercent,
    maxMemory: limits?.memoryBytes === undefined ? undefined : megabytes(limits.memoryBytes),
    maxIOBPS: limits?.ioBytesPerSecond,
    cpuCores: limits?.cpuCores,
    ...addedKeys(job),
  };
}

/** What Joblet's own command does not tell. Absent where there is nothing to tell. */
function addedKeys(job: Job): Readonly<Record<string, unknown>> {
  const { spec } = job;
  return {
    name: spec?.name || undefined,
    cpuWeight: spec?.limits?.cpuWeight,
    memoryHighBytes: spec?.limits?.memoryHighBytes,
    maxSwapBytes: spec?.limits?.swapBytes,
    ioWeight: spec?.limits?.ioWeight,
    maxPids: spec?.limits?.pids,
    timeoutMs: spec?.timeoutMs || undefined,
    stopGraceMs: spec?.stopGraceMs || undefined,
    hostname: spec?.hostname || undefined,
    workBytes: spec?.workBytes || undefined,
    logOverflow: LOG_OVERFLOWS[spec?.logOverflow ?? LogOverflow.UNSPECIFIED],
    log: job.logState && logJson(job.logState),
    mounts: spec?.mounts.length
      ? spec.mounts.map((mount) => pick(mount, ['source', 'target', 'readOnly']))
      : undefined,
    labels: Object.keys(spec?.labels ?? {}).length > 0 ? spec?.labels : undefined,
    retry: spec?.retry?.attempts ? pick(spec.retry, ['attempts', 'delayMs', 'backoff']) : undefined,
    attempts: spec?.retry?.attempts ? attemptsJson(job) : undefined,
    dueTime: rfc3339(job.dueUs) || undefined,
    addresses: job.addresses.length === 0 ? undefined : job.addresses,
    ports: spec?.ports.length ? spec.ports : undefined,
    tcpPorts: spec?.tcpPorts && { connect: spec.tcpPorts.connect, bind: spec.tcpPorts.bind },
    require: spec?.require.length ? spec.require : undefined,
    terminal: spec?.terminal && pick(spec.terminal, ['columns', 'rows']),
    stdin: spec?.stdin || undefined,
    waitingFor: job.waitingFor || undefined,
    createdTime: rfc3339(job.createdUs),
    ownerUid: job.ownerUid,
    logBytes: job.logBytes,
    signal: job.signal,
    signalName: job.signal === undefined ? undefined : signalName(job.signal),
    usage: job.usage && usageJson(job.usage),
    seccompLevel: spec?.seccompLevel,
    denials: job.denials.length === 0 ? undefined : job.denials.map(denialJson),
    failure: failureJson(job),
    isolation: job.report.map((line) => pick(line, ['layer', 'item', 'asked', 'kernel', 'ok'])),
  };
}

const LOG_OVERFLOWS: Readonly<Record<LogOverflow, string | undefined>> = {
  [LogOverflow.UNSPECIFIED]: undefined,
  [LogOverflow.CONTINUE]: 'continue',
  [LogOverflow.BLOCK]: 'block',
};

const PLACE_NAMES: Readonly<Record<LogPlace, string>> = {
  [LogPlace.UNSPECIFIED]: '',
  [LogPlace.DISK]: 'disk',
  [LogPlace.MEMORY]: 'memory',
  [LogPlace.SPILL]: 'spill',
};

function logJson({ place, blocked, every, cause, waitingBytes, lostLines, lostBytes }: LogState) {
  return {
    place: PLACE_NAMES[place],
    blocked,
    every,
    cause: cause || undefined,
    waitingBytes,
    lostLines,
    lostBytes,
  };
}

/** Those that were followed by another. */
function attemptsJson({ attempts }: Job): readonly unknown[] {
  const starts = [0n, ...attempts.map(({ logEnd }) => logEnd)];
  return attempts.map(({ startedUs, endedUs, status, exitCode, signal }, index) => ({
    started: rfc3339(startedUs),
    ended: rfc3339(endedUs),
    status: statusName(status),
    exitCode: exitCode ?? null,
    signal,
    logOffset: starts[index],
  }));
}

function denialJson({ call, count, firstUs, mend }: Denial): Readonly<Record<string, unknown>> {
  return { call, count: count || undefined, firstTime: rfc3339(firstUs), allowedWith: mend || undefined };
}

function usageJson(usage: Usage): Readonly<Record<string, unknown>> {
  const { $typeName: _, $unknown: __, ...counts } = usage;
  return counts;
}

/** The named fields of a message, without what the protobuf library adds. */
function pick<Message extends object, Key extends keyof Message>(message: Message, keys: readonly Key[]) {
  return Object.fromEntries(keys.map((key) => [key, message[key]]));
}
