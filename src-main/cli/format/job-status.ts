/** The text of `job status`: a line a fact, a heading a section, the same headings for every job. */
import { constants } from 'node:os';
import {
  type Denial,
  type Failure,
  type Job,
  type Limits,
  LogPlace,
  type LogState,
  type Mount,
  type ReportLine,
  type TcpPorts,
  type Usage,
} from '../../../native-helper/api/gen/joblet_pb.js';
import { counted } from '../../client/log-note.ts';
import { formatDuration } from '../arguments/duration.ts';
import { formatRetry } from '../arguments/retry.ts';
import { formatMemorySize } from '../arguments/size.ts';
import { formatVolume } from '../arguments/volumes.ts';
import { displayedCommand } from './command.ts';
import { environmentLines } from './environment.ts';
import { escapeControlCharacters } from './escape.ts';
import { statusName } from './status.ts';
import { table } from './table.ts';
import { elapsed, localTime } from './time.ts';

/** What an untouched specification runs in. */
export const DEFAULT_WORK_DIRECTORY = '/work';
export const DEFAULT_NETWORK = 'host';

/** @param nowUs the present, µs since the epoch: how long a job that has not ended has taken */
export function jobStatusText(job: Job, nowUs: bigint): string {
  const spec = job.spec;
  const labels = Object.entries(spec?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const sections = [
    [
      `Job ID: ${job.uuid}`,
      ...(spec?.name ? [`Name: ${spec.name}`] : []),
      `Node ID: ${job.nodeId}`,
      `Command: ${displayedCommand(spec)}`,
      `Status: ${statusName(job.status)}`,
    ],
    section('Scheduling Information:', schedulingLines(job)),
    section('Timing:', timingLines(job, nowUs)),
    section('Resource Limits:', limitLines(job)),
    [
      'Runtime: none',
      `Network: ${[spec?.network || DEFAULT_NETWORK, ...job.addresses].join(' ')}`,
      ...(spec?.ports.length ? [`Published: ${spec.ports.join(', ')}`] : []),
      ...portLimitLines(spec?.tcpPorts),
      ...(spec?.require.length ? [`Requires: ${spec.require.join(', ')}`] : []),
      `Volumes: ${spec?.volumes.length ? spec.volumes.map(formatVolume).join(', ') : 'none'}`,
      `Work Dir: ${spec?.workDir || DEFAULT_WORK_DIRECTORY}`,
      ...(spec?.hostname ? [`Host Name: ${spec.hostname}`] : []),
      ...(spec?.seccompLevel === undefined ? [] : [`Seccomp Level: ${spec.seccompLevel}`]),
      `Input: ${spec?.terminal ? 'terminal' : spec?.stdin ? 'open' : 'none'}`,
      `Uploaded Files: ${spec?.uploads.length ? spec.uploads.join(', ') : 'none'}`,
    ],
    ...(spec === undefined || spec.mounts.length === 0
      ? []
      : [section('Mounts:', spec.mounts.map(mountLine))]),
    ...(labels.length === 0 ? [] : [section('Labels:', labels)]),
    section('Environment Variables:', spec === undefined ? [] : environmentLines(spec)),
    ...(job.attempts.length === 0 ? [] : [['Attempts:', ...attemptLines(job)]]),
    ...(job.usage === undefined ? [] : [section('Usage:', usageLines(job.usage))]),
    ...(job.logState === undefined ? [] : [section('Log:', logLines(job.logState))]),
    ...(job.denials.length === 0 ? [] : [['Denied System Calls:', ...denialLines(job.denials)]]),
    ...(job.failure === undefined ? [] : [section('Failure:', failureLines(job.failure))]),
    ...(job.report.length === 0 ? [] : [['Isolation:', ...reportLines(job.report)]]),
    endLines(job),
  ];
  const blocks = sections.filter((lines) => lines.length > 0);
  return blocks.map((lines) => lines.map((line) => `${escapeControlCharacters(line)}\n`).join('')).join('\n');
}

function section(heading: string, lines: readonly string[]): string[] {
  return [heading, ...(lines.length === 0 ? ['none'] : lines).map((line) => `  ${line}`)];
}

function schedulingLines({ waitingFor, spec }: Job): string[] {
  return [
    spec?.startAtUs ? `Scheduled: ${localTime(spec.startAtUs)}` : 'Start: at once',
    ...(spec?.retry?.attempts ? [`Retry: ${formatRetry(spec.retry)}`] : []),
    ...(waitingFor ? [`Waiting For: ${waitingFor}`] : []),
  ];
}

/** An empty list is no port at all. */
function portLimitLines(ports: TcpPorts | undefined): string[] {
  return [
    ...(ports?.connect === undefined ? [] : [`Allow Connect: ${ports.connect || 'none'}`]),
    ...(ports?.bind === undefined ? [] : [`Allow Bind: ${ports.bind || 'none'}`]),
  ];
}

function mountLine({ source, target, readOnly }: Mount): string {
  return `${source} at ${target}${readOnly ? ' (read-only)' : ''}`;
}

/** Those that were followed by another; of the last one the rest of the text tells. */
function attemptLines({ attempts }: Job): string[] {
  const starts = [0n, ...attempts.map(({ logEnd }) => logEnd)];
  const rows = attempts.map(({ startedUs, endedUs, status, exitCode }, index) => [
    String(index + 1),
    localTime(startedUs),
    elapsed(endedUs - startedUs),
    statusName(status),
    exitCode === undefined ? '-' : String(exitCode),
    String(starts[index]),
  ]);
  const lines = table(['', 'STARTED', 'RAN', 'STATUS', 'EXIT CODE', 'LOG OFFSET'], rows)
    .trimEnd()
    .split('\n');
  return lines.map((line) => `  ${line}`);
}

function timingLines(job: Job, nowUs: bigint): string[] {
  const until = job.endedUs === 0n ? nowUs : job.endedUs;
  return [
    `Created: ${localTime(job.createdUs)}`,
    `Started: ${localTime(job.startedUs)}`,
    `Ended: ${localTime(job.endedUs)}`,
    `Duration: ${job.startedUs === 0n ? '-' : elapsed(until - job.startedUs)}`,
  ];
}

function limitLines({ spec }: Job): string[] {
  const { cpuPercent, cpuWeight, memoryBytes, pids } = spec?.limits ?? {};
  const { cpuCores, memoryHighBytes, swapBytes, ioBytesPerSecond, ioWeight }: Partial<Limits> =
    spec?.limits ?? {};
  return [
    ...(cpuPercent === undefined ? [] : [`Max CPU: ${cpuPercent}%`]),
    ...(cpuWeight === undefined ? [] : [`CPU Weight: ${cpuWeight}`]),
    ...(memoryBytes === undefined ? [] : [`Max Memory: ${formatMemorySize(memoryBytes)}`]),
    ...(memoryHighBytes === undefined ? [] : [`Memory High: ${formatMemorySize(memoryHighBytes)}`]),
    ...(spec?.workBytes ? [`Max Disk: ${formatMemorySize(spec.workBytes)}`] : []),
    ...(swapBytes === undefined ? [] : [`Max Swap: ${formatMemorySize(swapBytes)}`]),
    ...(ioBytesPerSecond === undefined ? [] : [`Max IO BPS: ${ioBytesPerSecond}`]),
    ...(ioWeight === undefined ? [] : [`IO Weight: ${ioWeight}`]),
    ...(cpuCores === undefined ? [] : [`CPU Cores: ${cpuCores}`]),
    ...(pids === undefined ? [] : [`Max PIDs: ${pids}`]),
    ...(spec?.timeoutMs ? [`Timeout: ${formatDuration(spec.timeoutMs)}`] : []),
    ...(spec?.stopGraceMs ? [`Stop Grace: ${formatDuration(spec.stopGraceMs)}`] : []),
  ];
}

function usageLines(usage: Usage): string[] {
  const { memoryPeakBytes, pidsPeak, oomKills, pidsMaxHits } = usage;
  return [
    `CPU User: ${elapsed(usage.cpuUserUs)}`,
    `CPU System: ${elapsed(usage.cpuSystemUs)}`,
    ...(memoryPeakBytes === undefined ? [] : [`Memory Peak: ${formatMemorySize(memoryPeakBytes)}`]),
    ...(pidsPeak === undefined ? [] : [`PIDs Peak: ${pidsPeak}`]),
    ...(oomKills === undefined ? [] : [`OOM Kills: ${oomKills} (memory.events oom_kill)`]),
    ...(pidsMaxHits === undefined ? [] : [`PIDs Limit Hits: ${pidsMaxHits} (pids.events max)`]),
    ...evidenceLines(usage),
  ];
}

/** What limits and the machine did to the job; nothing of what did nothing. */
function evidenceLines(usage: Usage): string[] {
  const { memoryHighHits, memoryMaxHits, ioReadBytes, ioWrittenBytes } = usage;
  const times: readonly (readonly [label: string, us: bigint | undefined, source: string])[] = [
    ['CPU Held Back', usage.cpuThrottledUs, 'cpu.stat throttled_usec'],
    ['Waited For CPU', usage.cpuPressureUs, 'cpu.pressure some'],
    ['Waited For Memory', usage.memoryPressureUs, 'memory.pressure some'],
    ['Waited For Disk', usage.ioPressureUs, 'io.pressure some'],
    ['Paused', usage.pausedUs, 'cgroup.freeze'],
  ];
  return [
    ...(memoryHighHits ? [`Memory High Hits: ${memoryHighHits} (memory.events high)`] : []),
    ...(memoryMaxHits ? [`Memory Limit Hits: ${memoryMaxHits} (memory.events max)`] : []),
    ...(ioReadBytes === undefined ? [] : [`Disk Read: ${formatMemorySize(ioReadBytes)}`]),
    ...(ioWrittenBytes === undefined ? [] : [`Disk Written: ${formatMemorySize(ioWrittenBytes)}`]),
    ...times.flatMap(([label, us, source]) => (us ? [`${label}: ${elapsed(us)} (${source})`] : [])),
  ];
}

function failureLines({ layer, operation, object, cause, mend }: Failure): string[] {
  return Object.entries({ Layer: layer, Operation: operation, Object: object, Cause: cause, Mend: mend })
    .filter(([, text]) => text !== '')
    .map(([label, text]) => `${label}: ${text}`);
}

function reportLines(report: readonly ReportLine[]): string[] {
  const rows = report.map(({ layer, item, asked, kernel, ok }) => [
    ok ? 'ok' : 'DIFFERS',
    layer,
    item,
    asked,
    kernel,
  ]);
  return indented(table(['', 'LAYER', 'ITEM', 'ASKED', 'KERNEL'], rows));
}

function indented(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
}

function logLines({ place, blocked, every, cause, waitingBytes, lostLines, lostBytes }: LogState): string[] {
  return [
    ...(blocked ? ['Blocked: the job waits for the disk'] : []),
    ...(cause === '' ? [] : [`Disk: ${cause}`]),
    ...(place === LogPlace.DISK
      ? []
      : [`Kept In: ${place === LogPlace.SPILL ? 'logs.spill_dir' : 'memory'}`]),
    ...(waitingBytes === 0n ? [] : [`Waiting: ${counted(waitingBytes, 'byte')}`]),
    ...(every === 1 ? [] : [every === 0 ? 'Kept Lines: none' : `Kept Lines: 1 of ${every}`]),
    ...(lostBytes === 0n ? [] : [`Lost: ${counted(lostLines, 'line')} (${counted(lostBytes, 'byte')})`]),
  ];
}

function denialLines(denials: readonly Denial[]): string[] {
  const rows = denials.map(({ call, count, firstUs, mend }) => [
    call,
    count === 0n ? '-' : String(count),
    localTime(firstUs),
    mend || '-',
  ]);
  return indented(table(['CALL', 'TIMES', 'FIRST', 'ALLOWED WITH'], rows));
}

function endLines(job: Job): string[] {
  return [
    ...(job.signal === undefined ? [] : [`Signal: ${job.signal} (${signalName(job.signal)})`]),
    ...(job.exitCode === undefined ? [] : [`Exit Code: ${job.exitCode}`]),
  ];
}

export function signalName(signal: number): string {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? 'unknown';
}
