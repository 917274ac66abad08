import type { Command } from 'commander';
import { JobletError } from '../../../native-helper/api/errors.ts';
import { declareJobId } from '../arguments/job-id.ts';
import { attach } from '../attachment.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { hasEnded } from '../format/status.ts';
import { requireTerminal } from '../terminal/local-terminal.ts';

function declare(command: Command): void {
  declareJobId(command);
}

/** What was shown before is in the log; what comes now is shown here. */
async function run(invocation: Invocation<object>): Promise<number> {
  const [id = ''] = invocation.operands;
  return withClient(invocation, async (client) => {
    const job = await client.jobs.getJob({ id });
    const hasTerminal = job.spec?.terminal !== undefined;
    if (hasEnded(job)) {
      throw cannotAttach(job.uuid, 'has ended', `Its output: joblet job log ${job.uuid}`);
    }
    if (!hasTerminal && job.spec?.stdin !== true) {
      throw cannotAttach(job.uuid, 'has no input', 'Run it with --stdin or --tty.');
    }
    if (hasTerminal) {
      requireTerminal();
    }
    return attach(invocation, {
      client,
      id: job.uuid,
      offset: job.logBytes,
      hasTerminal,
      mustRedraw: true,
    });
  });
}

function cannotAttach(object: string, reason: string, mend: string): JobletError {
  return new JobletError('conflict', { layer: 'job', operation: 'attach', object, reason, mend });
}

export const command: CommandModule = {
  declare,
  run,
  failureExitCode: ExitCode.noJobResult,
  operand: 'running job',
};
