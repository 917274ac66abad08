import { JobletError } from '../../../native-helper/api/errors.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { type Paint, paintFor } from '../format/colour.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';
import { table } from '../format/table.ts';
import { type Check, localChecks } from '../local-checks.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const examination = await examine(invocation);
  const { checks, notAsked } = examination;
  const healthy = checks.every(({ available, required }) => available || !required);
  await cli.stdout.write(
    globals.json
      ? jsonText({ healthy, checks, not_asked: notAsked })
      : asText(examination, healthy, paintFor(cli.stdout)),
  );
  return healthy ? ExitCode.success : ExitCode.failure;
}

interface Examination {
  readonly checks: readonly Check[];
  /** What could not be found out, in words; absent when all was. */
  readonly notAsked?: string;
}

/** The helper sees more than this process, so its answer takes the place of our own; without it no job runs. */
async function examine(invocation: Invocation<object>): Promise<Examination> {
  try {
    const { checks } = await withClient(invocation, (client) => client.helper.doctor({}));
    const told = checks.map(({ name, available, required, found, mend }) => ({
      name,
      available,
      required,
      found,
      mend,
    }));
    return {
      checks: [{ name: 'helper', available: true, required: true, found: 'answers', mend: '' }, ...told],
    };
  } catch (error) {
    if (error instanceof JobletError) {
      return {
        checks: [helperCheck(error), ...localChecks()],
        notAsked: 'what only the helper can see: its controllers, devices and security modules',
      };
    }
    throw error;
  }
}

function helperCheck({ details }: JobletError): Check {
  const { operation, object, reason, mend } = details;
  return {
    name: 'helper',
    available: false,
    required: true,
    found: `${operation} ${object}: ${reason}`,
    mend,
  };
}

function asText({ checks, notAsked }: Examination, healthy: boolean, paint: Paint): string {
  const rows = checks.map(({ name, available, required, found }) => [
    available ? 'ok' : required ? 'MISSING' : 'absent',
    required ? 'yes' : 'no',
    name,
    found,
  ]);
  const mends = checks
    .filter(({ mend }) => mend !== '')
    .map(({ name, mend }) => `  ${escapeControlCharacters(`${name}: ${mend}`)}\n`);
  return [
    table(['STATE', 'REQUIRED', 'CHECK', 'FOUND'], rows, paint),
    notAsked === undefined ? '' : `\nNot asked: ${notAsked}.\n`,
    mends.length === 0 ? '' : `\nTo mend:\n${mends.join('')}`,
    healthy ? '\nJobs can run here.\n' : '\nJobs cannot run here yet.\n',
  ].join('');
}

export const command: CommandModule = { declare: () => {}, run };
