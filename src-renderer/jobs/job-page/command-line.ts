/** The `joblet job run …` line that asks for the same job again, for a POSIX shell. */
import { quoted } from '../../../src-main/ipc/contract.ts';
import type { CheckedJobSpec } from '../../state/job-spec.ts';
import { logOverflowText } from '../form/log-overflow.ts';
import { mountText } from '../form/mounts.ts';

const MEBIBYTE = 1024n * 1024n;
const UNITS = [
  ['h', 3_600_000n],
  ['m', 60_000n],
  ['s', 1000n],
  ['ms', 1n],
] as const;

/** What the helper tells in the place of a value that it keeps to itself. */
export const MASK = '***';

/** A secret is nobody's to copy: the line takes its value from the caller's variable of the same name. */
export function commandLineOf(spec: CheckedJobSpec): string {
  const { limits } = spec;
  const flags: readonly (readonly [flag: string, value: string | undefined])[] = [
    ['--name', spec.name || undefined],
    ['--max-cpu', limits.cpuPercent?.toString()],
    ['--cpu-weight', limits.cpuWeight?.toString()],
    ['--max-disk', spec.workBytes === 0n ? undefined : memorySize(spec.workBytes)],
    ['--log-overflow', logOverflowText(spec.logOverflow)],
    ['--max-memory', limits.memoryBytes === undefined ? undefined : memorySize(limits.memoryBytes)],
    ['--max-pids', limits.pids?.toString()],
    ['--schedule', Number(spec.startAtUs) > Date.now() * 1000 ? rfc3339(spec.startAtUs) : undefined],
    ['--retry', retry(spec)],
    ['--cpu-cores', limits.cpuCores],
    ['--memory-high', limits.memoryHighBytes === undefined ? undefined : memorySize(limits.memoryHighBytes)],
    ['--max-swap', limits.swapBytes === undefined ? undefined : memorySize(limits.swapBytes)],
    ['--max-iobps', limits.ioBytesPerSecond?.toString()],
    ['--io-weight', limits.ioWeight?.toString()],
    ['--timeout', duration(spec.timeoutMs)],
    ['--stop-grace', duration(spec.stopGraceMs)],
    ['--workdir', spec.workDir || undefined],
    ['--hostname', spec.hostname || undefined],
    ['--network', spec.network || undefined],
    ...spec.ports.map((port) => ['--publish', port] as const),
    ['--allow-connect', portList(spec.tcpPorts.connect)],
    ['--allow-bind', portList(spec.tcpPorts.bind)],
    ...spec.require.map((name) => ['--require', name] as const),
    ['--seccomp', spec.seccompLevel?.toString()],
  ];
  const given = flags.flatMap(([flag, value]) => (value === undefined ? [] : [quoted(`${flag}=${value}`)]));
  const variables = [
    ...spec.volumes.map(({ name, readOnly }) => quoted(`--volume=${name}${readOnly ? ':ro' : ''}`)),
    ...Object.entries(spec.labels).map(([key, value]) => quoted(`--label=${key}=${value}`)),
    ...spec.uploads.map((path) => quoted(`--upload=${path}`)),
    ...spec.mounts.map((mount) => quoted(`--mount=${mountText(mount)}`)),
    ...Object.entries(spec.environment).map(([name, value]) => variable('--env', name, value)),
    ...Object.entries(spec.secretEnvironment).map(([name, value]) => variable('--secret-env', name, value)),
  ];
  const input = spec.terminal !== undefined ? ['-it'] : spec.stdin ? ['-i'] : [];
  return ['joblet job run', ...input, ...given, ...variables, '--', ...words(spec).map(quoted)].join(' ');
}

/** Whether the job had values that nobody is told, so that it can't be run again as it was. */
export function hasSecrets({ environment, secretEnvironment }: CheckedJobSpec): boolean {
  return Object.keys(secretEnvironment).length > 0 || Object.values(environment).includes(MASK);
}

function variable(flag: string, name: string, value: string): string {
  return value === MASK ? `${flag}=${name}` : quoted(`${flag}=${name}=${value}`);
}

function rfc3339(microseconds: bigint): string {
  return new Date(Number(microseconds / 1000n)).toISOString();
}

function retry({ retry: { attempts, delayMs, backoff } }: CheckedJobSpec): string | undefined {
  const delay = [String(attempts), duration(delayMs) ?? '0s', String(backoff)];
  return attempts === 0 ? undefined : delay.slice(0, backoff > 0 ? 3 : delayMs > 0n ? 2 : 1).join(':');
}

/** A single word with white space in it would be taken for a line of shell: `env` keeps it the name of a program. */
function words({ command, args }: CheckedJobSpec): readonly string[] {
  return args.length === 0 && /\s/.test(command) ? ['env', command] : [command, ...args];
}

/** Whole megabytes where it is some, else bytes: what is asked for is never rounded. */
function memorySize(bytes: bigint): string {
  return bytes % MEBIBYTE === 0n ? `${bytes / MEBIBYTE}MB` : `${bytes}B`;
}

/** An empty list is none at all. */
function portList(list: string | undefined): string | undefined {
  return list === '' ? 'none' : list;
}

/** 0 is not asked for. */
function duration(milliseconds: bigint): string | undefined {
  if (milliseconds === 0n) {
    return undefined;
  }
  let rest = milliseconds;
  const parts = UNITS.map(([unit, size]) => {
    const number = rest / size;
    rest %= size;
    return number === 0n ? '' : `${number}${unit}`;
  });
  return parts.join('');
}
