import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { JobletError } from '../../../native-helper/api/errors.ts';
import type { Job } from '../../../native-helper/api/gen/joblet_pb.js';
import type { CheckedJobSpec } from '../../../native-helper/api/job-spec.ts';
import { localFilesOf } from '../../client/local-tree.ts';
import { totalsOf } from '../../client/upload.ts';
import { type JobSpecFlags, jobSpecOf } from '../arguments/job-spec.ts';
import { valueSources } from '../arguments/value-sources.ts';
import { attach } from '../attachment.ts';
import { bringFiles } from '../bring-files.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { untilDetached } from '../detach.ts';
import { ExitCode, usageError } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { submissionJson, submissionText } from '../format/submission.ts';
import { copyOutput, endOf, tellOfEnd } from '../job-result.ts';
import { localSize, localTerm, requireTerminal } from '../terminal/local-terminal.ts';

export interface JobRunFlags extends JobSpecFlags {
  readonly follow?: boolean;
  readonly wait?: boolean;
}

/** Flags of Joblet's interface that this version knows and cannot honour, by the names commander gives them. */
const NOT_OFFERED = {
  gpu: '--gpu <count>',
  gpuMemory: '--gpu-memory <size>',
  runtime: '--runtime <name>',
} as const;

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

function declare(command: Command): void {
  command
    .usage('[flags] [--] command args...')
    .argument('<command...>', 'the program and its arguments; one argument with spaces is run by sh -c')
    .passThroughOptions()
    .option('--name <name>', 'a name for people')
    .option('--max-cpu <percent>', 'CPU time at most; 100 is one core')
    .option('--cpu-weight <weight>', 'share of the CPU beside other jobs, 1 to 10000')
    .option('--max-memory <megabytes>', 'memory at most; also with B, KB, MB, GB or TB')
    .option('--cpu-cores <list>', 'the processors it may use, such as 0-3 or 1,3')
    .option('--memory-high <megabytes>', 'memory beyond which it is slowed down and made to give some back')
    .addOption(
      new Option(
        '--log-overflow <what>',
        'what happens when the disk does not take the output in time: the job goes on, or waits (default: continue)',
      ).choices(['continue', 'block']),
    )
    .option('--max-disk <megabytes>', 'what /work may hold at most; also with B, KB, MB, GB or TB')
    .option('--max-swap <megabytes>', 'swap at most (default: none for a job with --max-memory)')
    .option(
      '--max-iobps <bytes>',
      'bytes a second at most that it reads, and that it writes, on the disk of the jobs',
    )
    .option('--io-weight <weight>', 'share of that disk beside other jobs, 1 to 10000')
    .option('--max-pids <count>', 'processes and threads at most')
    .option('-e, --env <NAME[=VALUE]>', 'an environment variable; may be given again', collect)
    .option(
      '-s, --secret-env <NAME[=VALUE]>',
      'one whose value is never stored or shown; NAME=@FILE',
      collect,
    )
    .option('--env-file <file>', 'environment variables, a line NAME=VALUE each; may be given again', collect)
    .option('--env-proxy', "the proxies of the caller's environment (http_proxy and their like)")
    .option('--timeout <time>', 'end the job after this time, such as 30s, 5m or 1h')
    .option('--volume <NAME[:ro]>', 'a volume, to be seen at /volumes/NAME; may be given again', collect)
    .option('--schedule <time>', 'start later: 45s, 2h30m, 2026-01-31 08:30 or RFC 3339')
    .option(
      '--retry <N[:TIME[:FACTOR]]>',
      'when it fails, N more attempts, TIME apart, FACTOR times longer each',
    )
    .option('--label <KEY=VALUE>', 'a label to find it by; may be given again', collect)
    .option('--stop-grace <time>', 'time between SIGTERM and kill when it is stopped (default: 10s)')
    .option('--workdir <path>', 'current folder inside the job (default: /work)')
    .option('--hostname <name>', "host name inside the job (default: the id's first 8 characters)")
    .option('-i, --stdin', 'send standard input to the job, and write its output as with --follow')
    .option('-t, --tty', 'run the command on a terminal; with --stdin ours becomes it')
    .option('--network <name>', 'host (default), none, isolated, bridge, or one of `network list`')
    .option(
      '--publish <port>',
      'let a port of this machine lead to the job: [ADDRESS:]HOST:JOB[/udp]',
      collect,
    )
    .option('--allow-connect <ports>', 'TCP ports that it may connect to, such as 80,443; or none')
    .option('--allow-bind <ports>', 'TCP ports that it may listen on, such as 8000-8010; or none')
    .option('--require <what>', 'do not run where this kernel lacks it: landlock-scopes', collect)
    .option('--seccomp <level>', 'system calls that are denied, 0 (none) to 3 (all but few) (default: 2)')
    .option(
      '--mount <source[:target][:ro]>',
      'a folder or file of yours, writable unless :ro; may be given again',
      collect,
    )
    .option(
      '--toolchain <name>',
      'your nvm, venv, cargo or opt, read-only and first in PATH; may be given again',
      collect,
    )
    .option(
      '--upload <path>',
      'copy a file, or what is in a folder, to /work before it starts; may be given again',
      collect,
    )
    .option(
      '--upload-dir <folder>',
      'copy what is in a folder to /work before it starts; may be given again',
      collect,
    )
    .option('-f, --follow', "write the job's output as it comes and exit with its code")
    .option('--wait', "wait for the job's end and exit with its code");
  for (const flags of Object.values(NOT_OFFERED)) {
    command.addOption(new Option(flags).hideHelp());
  }
}

async function run(invocation: Invocation<JobRunFlags>): Promise<number> {
  const { flags, operands } = invocation;
  const asked = jobSpecOf(flags, operands, valueSources(invocation.cli.environment));
  const spec = onOurTerminal(asked, flags);
  refuseWhatIsNotOffered(flags);
  await refuseFiles(flags.uploadDir ?? []);
  const files = await localFilesOf(spec.uploads);
  return withClient(invocation, async (client) => {
    const job = await client.jobs.runJob({ spec });
    const { uuid } = job;
    if (spec.uploads.length === 0) {
      await tellOfSubmission(invocation, job);
    } else {
      const outcome = await bringFiles(invocation, { client, uuid, files });
      if ('exitCode' in outcome) {
        return outcome.exitCode;
      }
      await tellOfSubmission(invocation, outcome.job, totalsOf(files).files);
    }
    if (flags.stdin === true) {
      return attach(invocation, { client, id: uuid, offset: 0n, hasTerminal: flags.tty === true });
    }
    if (flags.follow !== true && flags.wait !== true) {
      return ExitCode.success;
    }
    return untilDetached(invocation.cli, [uuid], async (signal) => {
      if (flags.follow === true) {
        await copyOutput(invocation.cli, client, { id: uuid, signal });
      }
      return tellOfEnd(invocation, await endOf(client, uuid, signal));
    });
  });
}

/** A terminal job that ours becomes is of its size and its kind. */
function onOurTerminal(spec: CheckedJobSpec, { stdin, tty }: JobRunFlags): CheckedJobSpec {
  if (stdin !== true || tty !== true) {
    return spec;
  }
  requireTerminal();
  const term = localTerm();
  const environment = term === '' || 'TERM' in spec.secretEnvironment ? {} : { TERM: term };
  return { ...spec, terminal: localSize(), environment: { ...environment, ...spec.environment } };
}

/** With `--follow` standard output is the job's alone. */
async function tellOfSubmission(
  { cli, flags, globals }: Invocation<JobRunFlags>,
  job: Job,
  uploaded?: number,
): Promise<void> {
  const sink = flags.follow === true || flags.stdin === true ? cli.stderr : cli.stdout;
  await sink.write(globals.json ? jsonText(submissionJson(job, uploaded)) : submissionText(job, uploaded));
}

/** A file has a flag of its own: here somebody has mistaken it. */
async function refuseFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isDirectory() === false) {
      throw usageError(`--upload-dir ${path}`, 'is no folder', 'Use --upload for a file.');
    }
  }
}

/** A flag that is accepted and not honoured would let a job run with less isolation or other data than it was asked for. */
function refuseWhatIsNotOffered(flags: JobRunFlags): void {
  const [flag] = flagsNotOffered(flags);
  if (flag !== undefined) {
    throw notOffered(flag);
  }
}

/** As they are typed. */
export function flagsNotOffered(flags: JobRunFlags): string[] {
  return Object.entries(NOT_OFFERED).flatMap(([attribute, usage]) =>
    attribute in flags ? [usage.split(' ')[0] ?? ''] : [],
  );
}

function notOffered(flag: string): JobletError {
  return new JobletError('refused', {
    layer: '',
    operation: '',
    object: flag,
    reason: 'this helper does not offer it yet, so the job was not started',
    mend: 'Leave the flag out to run the job without it.',
  });
}

export const command: CommandModule<JobRunFlags> = {
  declare,
  run,
  failureExitCode: ExitCode.noJobResult,
  operand: 'file',
};
