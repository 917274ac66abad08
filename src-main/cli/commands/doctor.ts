import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { type Examination, examine } from '../examination.ts';
import { type Paint, paintFor } from '../format/colour.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';
import { table } from '../format/table.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const examination = await examine(() => withClient(invocation, (client) => client.helper.doctor({})));
  const { checks, notAsked } = examination;
  const healthy = checks.every(({ available, required }) => available || !required);
  await cli.stdout.write(
    globals.json
      ? jsonText({ healthy, checks, not_asked: notAsked })
      : asText(examination, healthy, paintFor(cli.stdout)),
  );
  return healthy ? ExitCode.success : ExitCode.failure;
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
