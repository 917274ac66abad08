import { createInterface } from 'node:readline';
import { JobletError } from '../../../native-helper/api/errors.ts';
import { pathsUnder } from '../../../native-helper/api/paths.ts';
import { type RunningHelper, type StartOutcome, startHelper } from '../../elevation/helper-process.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { jsonText } from '../format/json.ts';

const TEXTS: Readonly<Record<StartOutcome['what'], string>> = {
  started: 'Helper started',
  replaced: 'Helper started in place of an older one',
  'was running': 'Helper runs already',
};

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const { what, helper } = await startHelper({
    paths: pathsUnder(globals.root),
    askHelper: () => whoAnswers(invocation),
    report: (line) => void cli.stderr.write(`${line}\n`),
    confirm: process.stdin.isTTY && process.stderr.isTTY ? confirm : null,
  });
  await cli.stdout.write(
    globals.json
      ? jsonText({ outcome: what, pid: helper.pid, build_id: helper.buildId })
      : `${TEXTS[what]}:\nPID: ${helper.pid}\nBuild: ${helper.buildId}\n`,
  );
  return ExitCode.success;
}

/** @throws JobletError when a helper is there, or may be, and does not answer this user. */
async function whoAnswers(invocation: Invocation<object>): Promise<RunningHelper | null> {
  try {
    const { pid, buildId } = await withClient(invocation, (client) => client.helper.getStatus({}));
    return { pid, buildId };
  } catch (error) {
    if (error instanceof JobletError && error.kind === 'unavailable') {
      return null;
    }
    throw error;
  }
}

async function confirm(question: string): Promise<boolean> {
  process.stderr.write(`${question} [y/N] `);
  // Left to the terminal itself, Ctrl-C is a signal as everywhere else, and Ctrl-D an answer.
  const lines = createInterface({ input: process.stdin, terminal: false });
  for await (const answer of lines) {
    lines.close();
    return /^y(es)?$/i.test(answer.trim());
  }
  return false;
}

export const command: CommandModule = { declare: () => {}, run };
