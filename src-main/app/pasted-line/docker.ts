/** A `docker run …` line as a job: what has a counterpart here is taken over, of everything else a sentence is said. */
import { jobSpecSchema } from '../../../native-helper/api/job-spec.ts';
import { parseEnvironment } from '../../cli/arguments/environment.ts';
import { parseWholeNumber } from '../../cli/arguments/number.ts';
import { usageError } from '../../cli/errors.ts';
import { DOCKER_FLAGS, type DockerFlag } from './docker-flags.ts';
import type { ParsedLine } from './parse.ts';

interface GivenFlag {
  readonly flag: DockerFlag;
  /** As it was typed, such as `-p 80:80`. */
  readonly typed: string;
  readonly value: string;
}

/** Powers of 1024, as docker counts them. */
const UNITS = 'bkmgtp';
const MS_PER_SECOND = 1000n;

/** @param words those after `docker` */
export function specOfDocker(words: readonly string[]): ParsedLine {
  const rest = words[0] === 'container' ? words.slice(1) : words;
  if (rest[0] !== 'run') {
    throw usageError(`docker ${rest[0] ?? ''}`, 'does not run anything', 'Paste a line with `docker run`.');
  }
  const { given, operands } = takeFlags(rest.slice(1));
  const [image, ...argv] = operands;
  if (image === undefined) {
    throw usageError('docker run', 'names no image', 'Paste the whole line.');
  }
  const entrypoint = lastOf(given, 'entrypoint');
  const command = entrypoint === undefined ? argv : [entrypoint, ...argv];
  const variables = valuesOf(given, 'env');
  return {
    spec: checkedSpec(
      given,
      command,
      variables.filter((setting) => setting.includes('=')),
    ),
    remarks: [
      `The image \`${image}\` is left out: a job runs with the programs that are installed on this machine.`,
      ...variables
        .filter((setting) => !setting.includes('='))
        .map((name) => `\`${name}\` was to be taken from the terminal's environment: give it a value here.`),
      ...remarksOn(given),
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
    environment: parseEnvironment(variables, '--env'),
    secretEnvironment: {},
    limits: limitsOf(given),
    timeoutMs: 0n,
    stopGraceMs: BigInt(numberOf(given, 'stop-timeout') ?? 0) * MS_PER_SECOND,
    workDir: lastOf(given, 'workdir') ?? '',
    hostname: lastOf(given, 'hostname') ?? '',
  });
  if (!result.success) {
    const [issue] = result.error.issues;
    throw usageError(issue?.path.join('.') ?? '', issue?.message ?? 'is not possible');
  }
  return result.data;
}

/** docker's words for "no limit" are 0 and, of processes, -1. */
function limitsOf(given: readonly GivenFlag[]) {
  const cpus = lastOf(given, 'cpus');
  const memory = lastOf(given, 'memory');
  const cpuPercent = cpus === undefined ? 0 : percentOf(cpus);
  const memoryBytes = memory === undefined ? 0n : bytesOf(memory);
  const pids = lastOf(given, 'pids-limit') === '-1' ? 0n : (numberOf(given, 'pids-limit') ?? 0n);
  return {
    ...(cpuPercent > 0 && { cpuPercent }),
    ...(memoryBytes > 0n && { memoryBytes }),
    ...(pids > 0n && { pids }),
  };
}

function percentOf(cpus: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(cpus)) {
    throw usageError('--cpus', `'${cpus.slice(0, 40)}' is not a number of processors`);
  }
  return Math.ceil(Number(cpus) * 100);
}

/** go-units' RAMInBytes, which docker uses: `512m`, `1.5g`, `2 GiB`; bytes without a unit. */
function bytesOf(size: string): bigint {
  const [, digits, unit = 'b'] = /^(\d{1,30}(?:\.\d{1,9})?) ?([bkmgtp])?i?b?$/i.exec(size) ?? [];
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

/** Flags in the forms that docker's own parser (pflag) takes: `--name v`, `--name=v`, `-n v`, `-nv`, `-n=v`, `-it`; up to the image. */
function takeFlags(words: readonly string[]): { given: GivenFlag[]; operands: readonly string[] } {
  const given: GivenFlag[] = [];
  let at = 0;
  const next = (typed: string): string => {
    const value = words[at];
    if (value === undefined) {
      throw usageError(typed, 'needs a value');
    }
    at += 1;
    return value;
  };
  while (words[at]?.startsWith('-') && words[at] !== '-') {
    const word = words[at] as string;
    at += 1;
    if (word === '--') {
      break;
    }
    given.push(...(word.startsWith('--') ? [longFlag(word, next)] : shortFlags(word, next)));
  }
  return {
    given: given.filter(({ flag, value }) => flag.takesValue || value !== 'false'),
    operands: words.slice(at),
  };
}

function longFlag(word: string, next: (typed: string) => string): GivenFlag {
  const equals = word.indexOf('=');
  const typed = equals === -1 ? word : word.slice(0, equals);
  const flag = flagOf(typed);
  if (equals !== -1) {
    return { flag, typed: word, value: word.slice(equals + 1) };
  }
  return flag.takesValue ? separate(flag, typed, next(typed)) : { flag, typed, value: 'true' };
}

function shortFlags(cluster: string, next: (typed: string) => string): GivenFlag[] {
  const given: GivenFlag[] = [];
  for (let at = 1; at < cluster.length; at += 1) {
    const typed = `-${cluster[at]}`;
    const flag = flagOf(typed);
    const attached = cluster.slice(at + 1);
    if (flag.takesValue) {
      const value = attached.replace(/^=/, '');
      return [...given, attached === '' ? separate(flag, typed, next(typed)) : separate(flag, typed, value)];
    }
    if (attached.startsWith('=')) {
      return [...given, { flag, typed, value: attached.slice(1) }];
    }
    given.push({ flag, typed, value: 'true' });
  }
  return given;
}

function separate(flag: DockerFlag, typed: string, value: string): GivenFlag {
  return { flag, typed: `${typed} ${value}`, value };
}

function flagOf(typed: string): DockerFlag {
  const flag = DOCKER_FLAGS.get(typed);
  if (flag === undefined) {
    throw usageError(
      typed.slice(0, 100),
      'is not a flag of `docker run` that is known here',
      'Leave it out.',
    );
  }
  return flag;
}
