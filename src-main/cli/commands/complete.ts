/** Candidates for a completion script. Quick and silent: what cannot be learned in time is left out. */
import type { Command } from 'commander';
import { type Candidate, type Completion, completionOf } from '../candidates.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { COMMANDS } from '../command-tree.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';

/** A person waits for the answer to a key. */
const ANSWER_WITHIN_MS = 700;
/** More than fit on a screen help nobody. */
const MOST_JOBS = 100;

function declare(command: Command): void {
  command.argument('[words...]');
}

async function run({ cli, operands }: Invocation<object>): Promise<number> {
  const completion = await completionOf(operands, COMMANDS);
  const jobs = await jobCandidates(completion, operands.at(-1) ?? '');
  const lines = [...completion.candidates, ...jobs].map(
    ({ value, description }) => `${value}\t${escapeControlCharacters(description)}\n`,
  );
  await cli.stdout.write([...lines, completion.files ? ':files\n' : ''].join(''));
  return ExitCode.success;
}

async function jobCandidates({ jobs }: Completion, typed: string): Promise<readonly Candidate[]> {
  if (jobs === undefined || !/^[0-9a-f-]*$/.test(typed)) {
    return [];
  }
  const { withClient } = await import('../connection.ts');
  const { displayedCommand } = await import('../format/command.ts');
  const { isOfKind, statusName } = await import('../format/status.ts');
  const timeout = new Promise<never>((_resolve, reject) => {
    setTimeout(reject, ANSWER_WITHIN_MS, new Error('too late')).unref();
  });
  const listed = withClient({ globals: jobs.globals }, (client) =>
    client.jobs.listJobs({ idPrefix: typed, pageSize: MOST_JOBS }),
  );
  try {
    const answer = await Promise.race([listed, timeout]);
    return answer.jobs
      .filter((job) => isOfKind(job, jobs.kind))
      .map((job) => ({
        value: job.uuid,
        description: `${statusName(job.status)} ${displayedCommand(job.spec)}`,
      }));
  } catch {
    return [];
  }
}

export const command: CommandModule = { declare, run };
