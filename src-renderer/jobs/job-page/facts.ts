/** What is known of a job, as lists of facts: what was asked for, its times, what it used. */
import type { JobDetails } from '../../../src-main/ipc/contract.ts';
import { formatBytes, formatDuration, formatTime } from '../../state/format.ts';
import { text } from '../../text.ts';
import { logOverflowText } from '../form/log-overflow.ts';
import { mountText } from '../form/mounts.ts';
import { formatLabels, formatRetry, formatVolumes } from '../form/units.ts';
import { signalName } from './signals.ts';

export interface Fact {
  readonly label: string;
  readonly value: string;
  /** In the font of code. */
  readonly code?: boolean;
}

type MaybeFact = readonly [label: string, value: string | undefined | false, code?: boolean];

function facts(all: readonly MaybeFact[]): readonly Fact[] {
  return all.flatMap(([label, value, code = false]) =>
    value === undefined || value === false || value === '' ? [] : [{ label, value, code }],
  );
}

export function askedFacts({ spec, uuid, nodeId, ownerUid }: JobDetails): readonly Fact[] {
  const words = text.job.facts;
  return facts([
    [words.name, spec.name],
    [words.command, spec.command, true],
    ...spec.args.map(
      (argument, index): MaybeFact => [words.argument(index + 1), argument || words.emptyText, true],
    ),
    [words.workDir, spec.workDir || words.defaultWorkDir, true],
    [words.disk, spec.workBytes > 0n && formatBytes(Number(spec.workBytes))],
    [words.logOverflow, logOverflowText(spec.logOverflow)],
    ...spec.uploads.map((path): MaybeFact => [words.uploaded, path, true]),
    ...spec.mounts.map((mount): MaybeFact => [words.mount, mountText(mount), true]),
    [words.hostname, spec.hostname, true],
    [words.volumes, formatVolumes(spec.volumes), true],
    [words.seccompLevel, spec.seccompLevel?.toString()],
    [words.labels, formatLabels(spec.labels), true],
    [words.retry, formatRetry(spec.retry)],
    [words.input, spec.terminal === undefined ? spec.stdin && words.openInput : words.onTerminal],
    [words.id, uuid, true],
    [words.node, nodeId, true],
    [words.owner, String(ownerUid)],
  ]);
}

export function networkFacts({ spec, addresses }: JobDetails): readonly Fact[] {
  const words = text.job.facts;
  const listOf = (ports: string | undefined) => (ports === '' ? words.noPorts : ports);
  return facts([
    [words.network, spec.network || words.defaultNetwork, true],
    [words.addresses, addresses.join(', '), true],
    [words.ports, spec.ports.join(', '), true],
    [words.connect, listOf(spec.tcpPorts.connect)],
    [words.bind, listOf(spec.tcpPorts.bind)],
    [words.require, spec.require.join(', '), true],
  ]);
}

export function limitFacts({ spec }: JobDetails): readonly Fact[] {
  const { cpuPercent, cpuWeight, memoryBytes, pids, ...more } = spec.limits;
  const { cpuCores, memoryHighBytes, swapBytes, ioBytesPerSecond, ioWeight } = more;
  const words = text.job.facts;
  return facts([
    [words.cpu, cpuPercent !== undefined && words.cpuValue(cpuPercent)],
    [words.cpuWeight, cpuWeight?.toString()],
    [words.cpuCores, cpuCores],
    [words.memory, memoryBytes !== undefined && formatBytes(Number(memoryBytes))],
    [words.memoryHigh, memoryHighBytes !== undefined && formatBytes(Number(memoryHighBytes))],
    [words.swap, swapBytes !== undefined && formatBytes(Number(swapBytes))],
    [words.io, ioBytesPerSecond !== undefined && words.perSecond(formatBytes(Number(ioBytesPerSecond)))],
    [words.ioWeight, ioWeight?.toString()],
    [words.pids, pids?.toLocaleString('en')],
    [words.timeout, spec.timeoutMs > 0n && formatDuration(Number(spec.timeoutMs) * 1000)],
    [words.stopGrace, spec.stopGraceMs > 0n && formatDuration(Number(spec.stopGraceMs) * 1000)],
  ]);
}

/** @param nowUs how long a job that has not ended has taken */
export function timeFacts(
  { spec, createdUs, startedUs, endedUs }: JobDetails,
  nowUs: number,
): readonly Fact[] {
  const words = text.job.facts;
  return facts([
    [words.created, formatTime(createdUs)],
    [words.start, spec.startAtUs > 0n && formatTime(Number(spec.startAtUs))],
    [words.started, formatTime(startedUs)],
    [words.ended, formatTime(endedUs)],
    [words.waited, startedUs > 0 && formatDuration(startedUs - createdUs)],
    [words.ran, startedUs > 0 && formatDuration(Math.max(0, (endedUs || nowUs) - startedUs))],
  ]);
}

export function attemptFacts({ attempts }: JobDetails): readonly Fact[] {
  const words = text.job.facts;
  return facts(
    attempts.map(({ startedUs, endedUs, status, exitCode }, index): MaybeFact => {
      const ran = formatDuration(endedUs - startedUs);
      return [
        words.attempt(index + 1),
        words.attemptValue(text.status[status], exitCode, ran, formatTime(startedUs)),
      ];
    }),
  );
}

export function endFacts({ exitCode, signal, logBytes, logState }: JobDetails): readonly Fact[] {
  const words = text.job.facts;
  return facts([
    [words.exitCode, exitCode?.toString()],
    [words.signal, signal !== null && `${signalName(signal)} (${signal})`],
    [words.log, formatBytes(logBytes)],
    [words.logState, logState],
  ]);
}

export function usageFacts({ usage }: JobDetails): readonly Fact[] {
  const words = text.job.facts;
  if (usage === null) {
    return [];
  }
  return facts([
    [words.cpuUser, formatDuration(usage.cpuUserUs)],
    [words.cpuSystem, formatDuration(usage.cpuSystemUs)],
    [words.memoryPeak, usage.memoryPeakBytes !== null && formatBytes(usage.memoryPeakBytes)],
    [words.pidsPeak, usage.pidsPeak?.toLocaleString('en')],
    [words.oomKills, usage.oomKills?.toLocaleString('en')],
    [words.pidsMaxHits, usage.pidsMaxHits?.toLocaleString('en')],
    [words.memoryHighHits, usage.memoryHighHits ? usage.memoryHighHits.toLocaleString('en') : undefined],
    [words.memoryMaxHits, usage.memoryMaxHits ? usage.memoryMaxHits.toLocaleString('en') : undefined],
    [words.ioRead, usage.ioReadBytes !== null && formatBytes(usage.ioReadBytes)],
    [words.ioWritten, usage.ioWrittenBytes !== null && formatBytes(usage.ioWrittenBytes)],
    [words.cpuThrottled, duration(usage.cpuThrottledUs)],
    [words.cpuPressure, duration(usage.cpuPressureUs)],
    [words.memoryPressure, duration(usage.memoryPressureUs)],
    [words.ioPressure, duration(usage.ioPressureUs)],
    [words.paused, duration(usage.pausedUs)],
  ]);
}

/** Nothing is told of what took no time. */
function duration(us: number | null): string | undefined {
  return us === null || us === 0 ? undefined : formatDuration(us);
}

/** Values of secrets are `***` already where they come from. */
export function environmentFacts({ spec }: JobDetails): readonly Fact[] {
  return [
    ...Object.entries(spec.environment).map(([label, value]) => ({ label, value, code: true })),
    ...Object.keys(spec.secretEnvironment).map((label) => ({ label, value: '***', code: true })),
  ];
}
