/** What stands in the form's fields, as typed, and the specification that it means. The contract's schema checks that. */
import type { CheckedJobSpec } from '../../state/job-spec.ts';

export interface Draft {
  /** A line of shell, or the words of a command with spaces between them. */
  command: string;
  name: string;
  cpuPercent: string;
  cpuWeight: string;
  memoryMebibytes: string;
  pids: string;
  /** A line each: `NAME=value`. */
  environment: string;
  secretEnvironment: string;
  timeoutSeconds: string;
  graceSeconds: string;
  workDir: string;
  hostname: string;
}

export const EMPTY_DRAFT: Draft = {
  command: '',
  name: '',
  cpuPercent: '',
  cpuWeight: '',
  memoryMebibytes: '',
  pids: '',
  environment: '',
  secretEnvironment: '',
  timeoutSeconds: '',
  graceSeconds: '',
  workDir: '',
  hostname: '',
};

const MEBIBYTE = 1_048_576n;
const SECOND_MS = 1000n;
/** A program and arguments that no shell would read as anything else. */
const PLAIN_WORDS = /^[\w@%+=:,./-]+( [\w@%+=:,./-]+)*$/;

/** What is no number stays text, which the schema refuses by its field. */
export function specOf(draft: Draft): unknown {
  const command = draft.command.trim();
  const isPlain = PLAIN_WORDS.test(command) && !/^\w+=/.test(command);
  const [program = '', ...args] = isPlain ? command.split(' ') : ['sh', '-c', command];
  return {
    name: draft.name.trim(),
    command: command === '' ? '' : program,
    args: command === '' ? [] : args,
    environment: variablesIn(draft.environment),
    secretEnvironment: variablesIn(draft.secretEnvironment),
    limits: {
      ...(draft.cpuPercent.trim() !== '' && { cpuPercent: smallNumber(draft.cpuPercent) }),
      ...(draft.cpuWeight.trim() !== '' && { cpuWeight: smallNumber(draft.cpuWeight) }),
      ...(draft.memoryMebibytes.trim() !== '' && { memoryBytes: times(draft.memoryMebibytes, MEBIBYTE) }),
      ...(draft.pids.trim() !== '' && { pids: times(draft.pids, 1n) }),
    },
    timeoutMs: draft.timeoutSeconds.trim() === '' ? 0n : times(draft.timeoutSeconds, SECOND_MS),
    stopGraceMs: draft.graceSeconds.trim() === '' ? 0n : times(draft.graceSeconds, SECOND_MS),
    workDir: draft.workDir.trim(),
    hostname: draft.hostname.trim(),
  };
}

/** The fields that mean this specification. Values of secrets are not known any more, and stay empty. */
export function draftOf(spec: CheckedJobSpec): Draft {
  const { limits } = spec;
  const isShell = spec.command === 'sh' && spec.args[0] === '-c' && spec.args.length === 2;
  const words = [spec.command, ...spec.args];
  return {
    command: isShell ? (spec.args[1] ?? '') : words.map(quote).join(' '),
    name: spec.name,
    cpuPercent: limits.cpuPercent === undefined ? '' : String(limits.cpuPercent),
    cpuWeight: limits.cpuWeight === undefined ? '' : String(limits.cpuWeight),
    memoryMebibytes: limits.memoryBytes === undefined ? '' : divided(limits.memoryBytes, MEBIBYTE),
    pids: limits.pids === undefined ? '' : String(limits.pids),
    environment: Object.entries(spec.environment)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
    secretEnvironment: Object.keys(spec.secretEnvironment)
      .map((name) => `${name}=`)
      .join('\n'),
    timeoutSeconds: spec.timeoutMs === 0n ? '' : divided(spec.timeoutMs, SECOND_MS),
    graceSeconds: spec.stopGraceMs === 0n ? '' : divided(spec.stopGraceMs, SECOND_MS),
    workDir: spec.workDir,
    hostname: spec.hostname,
  };
}

/** For a POSIX shell: everything between single quotes stands for itself. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function variablesIn(lines: string): Record<string, string> {
  return Object.fromEntries(
    lines
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const at = line.indexOf('=');
        return at === -1 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1)];
      }),
  );
}

function smallNumber(typed: string): number | string {
  return /^\d{1,9}$/.test(typed.trim()) ? Number(typed) : typed;
}

/** Halves and the like are kept, rounded up to the smaller unit. */
function times(typed: string, unit: bigint): bigint | string {
  const match = /^(\d{1,19})(?:\.(\d{1,3}))?$/.exec(typed.trim());
  if (match === null) {
    return typed;
  }
  const thousandths = BigInt(match[1] ?? 0) * 1000n + BigInt((match[2] ?? '').padEnd(3, '0'));
  return (thousandths * unit + 999n) / 1000n;
}

/** Exact to a thousandth. */
function divided(value: bigint, unit: bigint): string {
  return String(Number((value * 1000n) / unit) / 1000);
}
