/** A `docker run …` line as a job: what has a counterpart here is taken over, of everything else a sentence is said. */

import { type CheckedMount, mountsSchema } from '../../../native-helper/api/job-mounts.ts';
import {
  jobSpecSchema,
  MAX_DURATION_MS,
  MAX_MEMORY_BYTES,
  NO_RETRY,
} from '../../../native-helper/api/job-spec.ts';
import { parseEnvironment } from '../../cli/arguments/environment.ts';
import { parseWholeNumber } from '../../cli/arguments/number.ts';
import { usageError } from '../../cli/errors.ts';
import { DOCKER_FLAGS, DOCKER_RUN_FLAGS } from './docker-flags.ts';
import { type GivenFlag, takeFlags } from './flags.ts';
import type { ParsedLine } from './parse.ts';

/** Powers of 1024, as docker counts them. */
const UNITS = 'bkmgtp';
/** Until a window shows it. */
const USUAL_SIZE = { columns: 80, rows: 24 };
const MS_PER_SECOND = 1000n;
/** Of what is not taken. */
const SHOWN_CHARACTERS = 100;
/** What Linux takes of cgroup v1's cpu.shares; the usual is 1024. */
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

/** @param words those after `docker` */
export function specOfDocker(words: readonly string[]): ParsedLine {
  const { given: general, operands: commands } = takeFlags(words, DOCKER_FLAGS, 'docker');
  const rest = commands[0] === 'container' ? commands.slice(1) : commands;
  if (rest[0] !== 'run') {
    throw usageError(`docker ${rest[0] ?? ''}`, 'does not run anything', 'Paste a line with `docker run`.');
  }
  const { given: typed, operands } = takeFlags(rest.slice(1), DOCKER_RUN_FLAGS, 'docker run');
  const given = typed.filter(isOn);
  const [image, ...argv] = operands;
  if (image === undefined) {
    throw usageError('docker run', 'names no image', 'Paste the whole line.');
  }
  const entrypoint = lastOf(given, 'entrypoint');
  // An empty one takes the image's away.
  const command = entrypoint ? [entrypoint, ...argv] : argv;
  const variables = valuesOf(given, 'env');
  return {
    spec: checkedSpec(
      given,
      command,
      variables.filter((setting) => setting.includes('=')),
    ),
    remarks: [
      `The image \`${image}\` is left out: a job runs with the programs that are installed on this machine.`,
      ...[...new Set(variables)]
        .filter((setting) => !setting.includes('='))
        .map((name) => `\`${name}\` was to be taken from the terminal's environment: give it a value here.`),
      ...mountsOf(given).others.map(
        (binding) =>
          `\`${binding}\` is left out: only folders of this machine, at places that are not the system's, can be mounted.`,
      ),
      ...remarksOn([...general.filter(isOn), ...given]),
    ],
  };
}

function checkedSpec(
  given: readonly GivenFlag[],
  [command, ...args]: readonly string[],
  variables: string[],
) {
  if (command === undefined) {
    throw usageError(
      'docker run',
      'names no command after the image, and what the image itself would run is not known here',
      'Add the command.',
    );
  }
  const result = jobSpecSchema.safeParse({
    command,
    args,
    name: lastOf(given, 'name') ?? '',
    environment: parseEnvironment(variables, '--env', { variable: () => undefined }),
    secretEnvironment: {},
    limits: limitsOf(given),
    timeoutMs: 0n,
    stopGraceMs: graceOf(given),
    workDir: lastOf(given, 'workdir') ?? '',
    hostname: lastOf(given, 'hostname') ?? '',
    volumes: [],
    mounts: mountsOf(given).mounts,
    labels: {},
    startAtUs: 0n,
    retry: NO_RETRY,
    ...inputOf(given),
    network: networkOf(given),
    ports: valuesOf(given, 'publish').map(publishedOf),
    require: [],
    tcpPorts: {},
  });
  if (!result.success) {
    const [issue] = result.error.issues;
    throw usageError(issue?.path.join('.') ?? '', issue?.message ?? 'is not possible');
  }
  return result.data;
}

/** `-v SOURCE:TARGET[:ro,…]`; what names a volume of docker's, or a place where a job has something of its own, is not taken. */
function mountsOf(given: readonly GivenFlag[]): { mounts: CheckedMount[]; others: string[] } {
  const mounts: CheckedMount[] = [];
  const others: string[] = [];
  for (const binding of valuesOf(given, 'volume')) {
    const [, source = '', target = '', options = ''] =
      /^(\/[^:]*):(\/[^:]*)(?::([a-zA-Z,]+))?$/.exec(binding) ?? [];
    const mount = { source, target, readOnly: options.split(',').includes('ro') };
    if (mountsSchema.safeParse([...mounts, mount]).success) {
      mounts.push(mount);
    } else {
      others.push(binding.slice(0, SHOWN_CHARACTERS));
    }
  }
  return { mounts, others };
}

/** A terminal takes what is typed in any case. */
function inputOf(given: readonly GivenFlag[]) {
  const isOnTerminal = given.some(({ flag }) => flag.name === 'tty');
  const isInteractive = given.some(({ flag }) => flag.name === 'interactive');
  return { stdin: isInteractive && !isOnTerminal, ...(isOnTerminal && { terminal: USUAL_SIZE }) };
}

/** docker's own default is a bridge, and a job's is the host: a published port needs the first. */
function networkOf(given: readonly GivenFlag[]): string {
  const name = lastOf(given, 'network') ?? lastOf(given, 'net');
  return name ?? (valuesOf(given, 'publish').length > 0 ? 'bridge' : '');
}

/** docker's default is every address of the machine. */
function publishedOf(text: string): string {
  return text.split(':').length === 2 ? `0.0.0.0:${text}` : text;
}

/** A boolean as Go's `strconv.ParseBool` takes it. */
function isOn({ flag, typed, value }: GivenFlag): boolean {
  if (flag.takesValue || /^(?:1|t|T|true|True|TRUE)$/.test(value)) {
    return true;
  }
  if (!/^(?:0|f|F|false|False|FALSE)$/.test(value)) {
    throw usageError(typed.slice(0, 100), `'${value.slice(0, 40)}' is neither true nor false`);
  }
  return false;
}

/** Of docker's words, 0 is "at once" and -1 is "for ever". A job's 0 is "as the configuration says", and it knows a longest time. */
function graceOf(given: readonly GivenFlag[]): bigint {
  if (lastOf(given, 'stop-timeout') === '-1') {
    return MAX_DURATION_MS;
  }
  const seconds = numberOf(given, 'stop-timeout');
  return seconds === undefined ? 0n : seconds * MS_PER_SECOND || 1n;
}

/** docker's words for "no limit" are 0 and, of processes, -1. */
function limitsOf(given: readonly GivenFlag[]) {
  const cpus = lastOf(given, 'cpus');
  const memory = lastOf(given, 'memory');
  const cpuPercent = cpus === undefined ? 0 : percentOf(cpus);
  const memoryBytes = memory === undefined ? 0n : bytesOf(memory);
  const cpuset = lastOf(given, 'cpuset-cpus');
  const shares = numberOf(given, 'cpu-shares') ?? 0n;
  const pids = lastOf(given, 'pids-limit') === '-1' ? 0n : (numberOf(given, 'pids-limit') ?? 0n);
  return {
    ...(cpuPercent > 0 && { cpuPercent }),
    ...(shares > 0n && { cpuWeight: weightOf(shares) }),
    ...(memoryBytes > 0n && { memoryBytes }),
    ...swapOf(lastOf(given, 'memory-swap'), memoryBytes),
    ...(cpuset && { cpuCores: cpuset }),
    ...(pids > 0n && { pids }),
  };
}

/** docker counts memory and swap together; 0 is as if it was not given, and -1 as much as there is. */
function swapOf(together: string | undefined, memoryBytes: bigint) {
  if (together === undefined || memoryBytes === 0n) {
    return {};
  }
  if (together === '-1') {
    return { swapBytes: MAX_MEMORY_BYTES };
  }
  const bytes = bytesOf(together);
  if (bytes === 0n) {
    return {};
  }
  if (bytes < memoryBytes) {
    throw usageError('--memory-swap', 'counts memory and swap together, so it must be at least --memory');
  }
  return { swapBytes: bytes - memoryBytes };
}

function percentOf(cpus: string): number {
  if (!/^(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})$/.test(cpus)) {
    throw usageError('--cpus', `'${cpus.slice(0, 40)}' is not a number of processors`);
  }
  return Math.ceil(Number(cpus) * 100);
}

/** As runc has it since 1.3.2: the least, the usual and the most shares are the least, the usual and the most weight. */
function weightOf(shares: bigint): number {
  const bits = Math.log2(Math.min(Math.max(Number(shares), MIN_SHARES), MAX_SHARES));
  return Math.ceil(10 ** ((bits ** 2 + 125 * bits) / 612 - 7 / 34));
}

/** go-units' RAMInBytes, which docker uses: `512m`, `1.5g`, `.5g`, `2 GiB`; bytes without a unit. */
function bytesOf(size: string): bigint {
  const [, digits, unit = 'b'] = /^(\d{1,30}(?:\.\d{0,9})?|\.\d{1,9}) ?([bkmgtp])?i?b?$/i.exec(size) ?? [];
  if (digits === undefined) {
    throw usageError('--memory', `'${size.slice(0, 40)}' is not a size`);
  }
  return BigInt(Math.floor(Number(digits) * 1024 ** UNITS.indexOf(unit.toLowerCase())));
}

function numberOf(given: readonly GivenFlag[], name: string): bigint | undefined {
  const text = lastOf(given, name);
  return text === undefined ? undefined : parseWholeNumber(text, `--${name}`);
}

function valuesOf(given: readonly GivenFlag[], name: string): string[] {
  return given.filter(({ flag }) => flag.name === name).map(({ value }) => value);
}

function lastOf(given: readonly GivenFlag[], name: string): string | undefined {
  return valuesOf(given, name).at(-1);
}

/** One sentence for all flags that have the same reason. */
function remarksOn(given: readonly GivenFlag[]): string[] {
  const themes = Map.groupBy(given, ({ flag }) => flag.remark);
  return [...themes].flatMap(([remark, flags]) =>
    remark === undefined
      ? []
      : [`Left out: ${[...new Set(flags.map(({ typed }) => `\`${typed}\``))].join(', ')}. ${remark}`],
  );
}
