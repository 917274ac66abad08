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
  const checks = await allChecks(invocation);
  const sick = checks.some(({ available, required }) => required && !available);
  await cli.stdout.write(
    globals.json ? jsonText({ healthy: !sick, checks }) : asText(checks, sick, paintFor(cli.stdout)),
  );
  return sick ? ExitCode.failure : ExitCode.success;
}

/** The helper sees more than this process, so its answer replaces our own; without it no job runs. */
async function allChecks(invocation: Invocation<object>): Promise<Check[]> {
  try {
    const { checks } = await withClient(invocation, (client) => client.helper.doctor({}));
    const told = checks.map(({ name, available, required, found, mend }) => ({
      name,
      available,
      required,
      found,
      mend,
    }));
    return [{ name: 'helper', available: true, required: true, found: 'answers', mend: '' }, ...told];
  } catch (error) {
    if (error instanceof JobletError) {
      return [helperCheck(error), ...localChecks()];
    }
    throw error;
  }
}

function helperCheck({ details }: JobletError): Check {
  const found = [details.operation, details.object].filter((part) => part !== '').join(' ');
  return {
    name: 'helper',
    available: false,
    required: true,
    found: `${found}: ${details.reason}`,
    mend: `${details.mend} Not asked without it: what only root can see (controllers, devices, security modules).`.trim(),
  };
}

function asText(checks: readonly Check[], sick: boolean, paint: Paint): string {
  const rows = checks.map(({ name, available, required, found }) => [
    available ? 'ok' : required ? 'MISSING' : 'absent',
    required ? 'yes' : 'no',
    name,
    found,
  ]);
  const mends = checks
    .filter(({ mend }) => mend !== '')
    .map(({ name, mend }) => `${escapeControlCharacters(`${name}: ${mend}`)}\n`);
  return [
    table(['STATE', 'REQUIRED', 'CHECK', 'FOUND'], rows, paint),
    mends.length === 0 ? '' : `\nTo mend:\n${mends.map((line) => `  ${line}`).join('')}`,
    sick ? '\nJobs cannot run here yet.\n' : '\nJobs can run here.\n',
  ].join('');
}

export const command: CommandModule = { declare: () => {}, run };
