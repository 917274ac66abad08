/** The machine and its jobs as text and as JSON. */
import type { JobUse, MachineReading } from '../machine-reading.ts';
import type { Paint } from './colour.ts';
import { displayedCommand } from './command.ts';
import { escapeControlCharacters } from './escape.ts';
import { approximateSize } from './metrics.ts';
import { statusName } from './status.ts';
import { table } from './table.ts';
import { rfc3339, timeOfDay } from './time.ts';

export const SECTIONS = ['cpu', 'load', 'memory', 'disk', 'jobs'] as const;
export type Section = (typeof SECTIONS)[number];

const percent = (share: number): string => `${share.toFixed(1)}%`;

const WORDS: Readonly<Record<Section, (reading: MachineReading) => string>> = {
  cpu: ({ cores }) =>
    `CPU: ${percent(meanOf(cores))} of ${cores.length} ${cores.length === 1 ? 'core' : 'cores'}`,
  load: ({ load }) => `Load: ${load.map((value) => value.toFixed(2)).join(' ')}`,
  memory: ({ memory: { totalBytes, availableBytes, swapUsedBytes } }) =>
    `Memory: ${usedOf(totalBytes - availableBytes, totalBytes)}${swapUsedBytes > 0 ? `, swap ${approximateSize(swapUsedBytes)}` : ''}`,
  disk: ({ disk: { path, totalBytes, freeBytes } }) =>
    `Disk: ${usedOf(totalBytes - freeBytes, totalBytes)}, ${path}`,
  jobs: ({ jobsRunning, jobsTotal }) => `Jobs: ${jobsRunning} running, ${jobsTotal} in all`,
};

export function machineText(reading: MachineReading, sections: readonly Section[]): string {
  const lines = sections.map((section) => WORDS[section](reading));
  return [`=== Machine at ${timeOfDay(reading.timeUs)} ===`, ...lines].map((line) => `${line}\n`).join('');
}

/** All on one line. */
export function compactMachineText(reading: MachineReading, sections: readonly Section[]): string {
  return `${[timeOfDay(reading.timeUs), ...sections.map((section) => WORDS[section](reading))].join(' | ')}\n`;
}

export function jobUseText(jobs: readonly JobUse[], paint: Paint): string {
  if (jobs.length === 0) {
    return 'No jobs running\n';
  }
  const rows = jobs.map(({ job, cpuPercent, memoryBytes, pids }) => [
    job.uuid,
    statusName(job.status),
    cpuPercent === undefined ? '-' : percent(cpuPercent),
    memoryBytes === undefined ? '-' : approximateSize(memoryBytes),
    pids === undefined ? '-' : String(pids),
    escapeControlCharacters(job.spec?.name || displayedCommand(job.spec)).slice(0, 80),
  ]);
  return table(['ID', 'STATUS', 'CPU', 'MEMORY', 'PROCESSES', 'JOB'], rows, paint);
}

export function machineJson(reading: MachineReading, sections: readonly Section[]): object {
  const { cores, load, memory, disk, jobsRunning, jobsTotal } = reading;
  const all: Readonly<Record<Section, object>> = {
    cpu: { percent: meanOf(cores), cores },
    load,
    memory,
    disk,
    jobs: { running: jobsRunning, total: jobsTotal },
  };
  return {
    time: rfc3339(reading.timeUs),
    ...Object.fromEntries(sections.map((section) => [section, all[section]])),
  };
}

export function jobUseJson({ job, cpuPercent, memoryBytes, pids }: JobUse): object {
  return {
    job_uuid: job.uuid,
    name: job.spec?.name || undefined,
    status: statusName(job.status),
    command: job.spec?.command ?? '',
    cpuPercent,
    memoryBytes,
    pids,
  };
}

function meanOf(cores: readonly number[]): number {
  return cores.reduce((sum, core) => sum + core, 0) / Math.max(1, cores.length);
}

function usedOf(used: number, total: number): string {
  return `${approximateSize(used)} of ${approximateSize(total)} (${percent((used / Math.max(1, total)) * 100)} used)`;
}
