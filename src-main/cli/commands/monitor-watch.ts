import type { Command } from 'commander';
import { parseDuration } from '../arguments/duration.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode, usageError } from '../errors.ts';
import { paintFor } from '../format/colour.ts';
import { compactJson } from '../format/json.ts';
import {
  compactMachineText,
  jobUseJson,
  jobUseText,
  machineJson,
  machineText,
  SECTIONS,
  type Section,
} from '../format/machine.ts';
import { type MachineReading, readings } from '../machine-reading.ts';

interface MonitorWatchFlags {
  readonly interval: string;
  readonly filter?: string;
  readonly compact?: boolean;
}

/** Jobs are measured once a second. */
const MIN_INTERVAL_MS = 1000;
const MAX_INTERVAL_MS = 3_600_000;
/** A terminal's: to the upper left, and all away below. */
const CLEAR = '\u001b[H\u001b[J';

function declare(command: Command): void {
  command
    .option('--interval <time>', 'between two looks, at least 1s', '2s')
    .option('--filter <sections>', `only these, with commas: ${SECTIONS.join(', ')}`)
    .option('--compact', 'one line a look');
}

/** Until Ctrl-C. With `--json` one object a line. */
async function run(invocation: Invocation<MonitorWatchFlags>): Promise<number> {
  const { cli, flags, globals } = invocation;
  const intervalMs = intervalOf(flags.interval);
  const sections = sectionsOf(flags.filter);
  const show = globals.json ? jsonOf : flags.compact === true ? compactMachineText : textOf;
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  await withClient(invocation, async (client) => {
    for await (const reading of readings(client, globals.root, intervalMs, abort.signal)) {
      if (!abort.signal.aborted) {
        await cli.stdout.write(show(reading, sections));
      }
    }
  });
  return ExitCode.success;

  function textOf(reading: MachineReading, shown: readonly Section[]): string {
    const jobs = shown.includes('jobs') ? `\n${jobUseText(reading.jobs, paintFor(cli.stdout))}` : '';
    return `${cli.stdout.hasColour ? CLEAR : ''}${machineText(reading, shown)}${jobs}\n`;
  }
}

function jsonOf(reading: MachineReading, sections: readonly Section[]): string {
  const jobs = sections.includes('jobs') ? { top: reading.jobs.map(jobUseJson) } : {};
  return compactJson({ ...machineJson(reading, sections), ...jobs });
}

/** As Joblet's users know it, a number alone is seconds. */
function intervalOf(text: string): number {
  const interval = Number(parseDuration(/^\d+$/.test(text) ? `${text}s` : text, '--interval'));
  if (interval < MIN_INTERVAL_MS || interval > MAX_INTERVAL_MS) {
    throw usageError('--interval', 'must be 1s to 1h');
  }
  return interval;
}

function sectionsOf(text: string | undefined): readonly Section[] {
  const names = text?.split(',') ?? SECTIONS;
  const unknown = names.find((name) => !(SECTIONS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw usageError('--filter', `'${unknown}' is not one of ${SECTIONS.join(', ')}`);
  }
  return SECTIONS.filter((section) => names.includes(section));
}

export const command: CommandModule<MonitorWatchFlags> = { declare, run };
