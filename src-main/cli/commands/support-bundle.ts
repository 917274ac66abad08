import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';
import { writeArchive } from '../support/archive.ts';
import { contentOf, partsOf } from '../support/parts.ts';

interface SupportBundleFlags {
  readonly output?: string;
}

function declare(command: Command): void {
  command.option('-o, --output <path>', 'the file to write (default: joblet-support-TIME.tar.gz)');
}

async function run(invocation: Invocation<SupportBundleFlags>): Promise<number> {
  const { cli, flags, globals } = invocation;
  const name = `joblet-support-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  const path = resolve(flags.output ?? `${name}.tar.gz`);
  const parts = partsOf(globals, cli.version, (question) => withClient(invocation, question));
  const contents = await Promise.all(parts.map(async (part) => ({ ...part, ...(await contentOf(part)) })));
  const files = contents.map(({ file, text }) => ({ name: file, text }));
  const bytes = await writeArchive(path, name, files);
  const told = contents.map(({ file, told: says, problem }) => ({ file, holds: says, problem }));
  await cli.stdout.write(globals.json ? jsonText({ path, bytes, files: told }) : asText(path, told));
  return ExitCode.success;
}

interface Told {
  readonly file: string;
  readonly holds: string;
  readonly problem: string | undefined;
}

function asText(path: string, files: readonly Told[]): string {
  const lines = files.map(({ file, holds, problem }) =>
    problem === undefined ? `  ${file}: ${holds}` : `  ${file}: not available: ${problem}`,
  );
  return [
    'Support bundle written:',
    `File: ${path}`,
    ...lines,
    'Look through it before you send it on: names of programs and paths of yours may stand in it.',
  ]
    .map((line) => `${escapeControlCharacters(line)}\n`)
    .join('');
}

export const command: CommandModule<SupportBundleFlags> = { declare, run };
