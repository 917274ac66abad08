/**
 * What a support bundle tells. Each part is chosen field by field, so that a secret can't come along with something else: no key, no variable
 * of a job, none of its arguments, and nothing that it printed.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { basename } from 'node:path';
import { parse } from 'yaml';
import { serverConfigSchema } from '../../../native-helper/api/config-schema.ts';
import { causeOf } from '../../../native-helper/api/errors.ts';
import { type Job, JobStatus } from '../../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../../native-helper/api/paths.ts';
import type { GlobalFlags } from '../cli.ts';
import { shownConfiguration } from '../commands/config-show.ts';
import { ownConfiguration } from '../configuration.ts';
import type { Client } from '../connection.ts';
import { examine } from '../examination.ts';
import { jsonText } from '../format/json.ts';
import { rfc3339 } from '../format/time.ts';

/** A file of the bundle. */
export interface Part {
  readonly file: string;
  readonly told: string;
  readonly read: () => Promise<unknown> | unknown;
}

/** The jobs that are told of. */
const NEWEST_JOBS = 50;
/** The end of the helper's log, in bytes. */
const LOG_BYTES = 1024 * 1024;

type Ask = <Answer>(question: (client: Client) => Promise<Answer>) => Promise<Answer>;

/** @param ask asks the helper; it fails with the reason when there is none */
export function partsOf(globals: GlobalFlags, version: string, ask: Ask): Part[] {
  const paths = pathsUnder(globals.root);
  return [
    { file: 'machine.json', told: 'kernel, distribution, processors, memory', read: machine },
    {
      file: 'command.json',
      told: 'version of the command and its configuration, without keys',
      read: () => ({ version, configuration: shownConfiguration(ownConfiguration(globals)) }),
    },
    {
      file: 'helper.json',
      told: 'version and state of the helper',
      read: () => ask((client) => client.helper.getStatus({})).then(withoutTypeName),
    },
    {
      file: 'doctor.json',
      told: 'what this machine gives to jobs',
      read: () => examine(() => ask((client) => client.helper.doctor({}))),
    },
    {
      file: 'jobs.json',
      told: `the newest ${NEWEST_JOBS} jobs: program, state, times, limits and why they failed; no argument, variable or output`,
      read: async () =>
        (await ask((client) => client.jobs.listJobs({ pageSize: NEWEST_JOBS }))).jobs.map(shownJob),
    },
    {
      file: 'helper-configuration.json',
      told: "the helper's configuration, without its certificates and keys",
      read: () => helperConfiguration(paths.serverConfig),
    },
    { file: 'helper.log', told: "the end of the helper's own log", read: () => endOf(paths.helperLog) },
  ];
}

function machine(): unknown {
  return {
    kernel: release(),
    distribution: textOf('/etc/os-release').split('\n'),
    command_line: textOf('/proc/cmdline'),
    processors: cpus().map(({ model }) => model),
    memory_bytes: totalmem(),
    cgroup_mounts: textOf('/proc/self/mounts')
      .split('\n')
      .filter((line) => line.split(' ')[2]?.startsWith('cgroup')),
    security_modules: textOf('/sys/kernel/security/lsm'),
  };
}

/** Not every machine has each of them. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    return causeOf(error);
  }
}

function shownJob({ uuid, spec, status, failure, usage, ...job }: Job): unknown {
  return {
    uuid,
    program: basename(spec?.command ?? ''),
    status: JobStatus[status],
    created: rfc3339(job.createdUs),
    started: rfc3339(job.startedUs),
    ended: rfc3339(job.endedUs),
    exit_code: job.exitCode,
    signal: job.signal,
    limits: withoutTypeName(spec?.limits ?? {}),
    failure: withoutTypeName(failure ?? {}),
    usage: withoutTypeName(usage ?? {}),
  };
}

/** Protobuf's name of the message says nothing that the part's own name doesn't. */
function withoutTypeName(message: object): unknown {
  return Object.fromEntries(Object.entries(message).filter(([name]) => name !== '$typeName'));
}

function helperConfiguration(path: string): unknown {
  const { security: _, ...rest } = serverConfigSchema.parse(parse(readFileSync(path, 'utf8')));
  return rest;
}

/** Text from the first whole line on. */
function endOf(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - LOG_BYTES);
    const bytes = Buffer.alloc(size - start);
    const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, start));
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    closeSync(fd);
  }
}

/** As it stands in the bundle; what can't be had says why in its place. */
export async function contentOf(part: Part): Promise<{ readonly text: string; readonly problem?: string }> {
  try {
    const value = await part.read();
    return { text: typeof value === 'string' ? value : jsonText(value) };
  } catch (error) {
    const problem = error instanceof Error ? error.message : causeOf(error);
    return { text: `not available: ${problem}\n`, problem };
  }
}
