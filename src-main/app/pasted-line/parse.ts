/** What a line pasted from a terminal or a web page asks for, as a specification. Nothing of it is run. */
import { basename } from 'node:path';
import { JobletError } from '../../../native-helper/api/errors.ts';
import type { Response } from '../../ipc/contract.ts';
import { splitWords, type Word } from '../../ipc/shell-words.ts';
import { specOfDocker } from './docker.ts';
import { SUDO_FLAGS } from './docker-flags.ts';
import { takeFlags } from './flags.ts';
import { specOfJoblet } from './joblet.ts';

export type ParsedLine = Response<'jobs.parse'>;

const PARSERS: Readonly<Record<string, (words: readonly string[]) => ParsedLine | Promise<ParsedLine>>> = {
  joblet: specOfJoblet,
  rnx: specOfJoblet,
  docker: specOfDocker,
  podman: specOfDocker,
};

const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;

/** So many things of one kind are named in a remark; the others are counted. */
const NAMED = 5;
/** More than anybody types; each is looked for in the whole job. */
const MAX_EXPANSIONS = 1000;

/** @throws JobletError (invalid): not such a line, or one that asks for what a job can't have. */
export async function parsePastedLine(line: string): Promise<ParsedLine> {
  const { words, rest, open } = splitWords(line.replace(/^\s*[$#%]\s+/, ''));
  if (open !== undefined) {
    throw unreadable(open, 'is opened and not closed', 'Paste the whole line.');
  }
  const start = programAt(words.map(({ text }) => text));
  const program = basename(words[start]?.text ?? '');
  const parse = Object.hasOwn(PARSERS, program) ? PARSERS[program] : undefined;
  if (parse === undefined) {
    throw unreadable(
      program.slice(0, 100),
      'is neither joblet, rnx, docker nor podman',
      'Paste a line that begins with `joblet job run` or `docker run`.',
    );
  }
  const { spec, remarks } = await parse(words.slice(start + 1).map(({ text }) => text));
  return { spec, remarks: [...remarks, ...remarksOnShell(words, start, rest, spec)] };
}

/** After variables that are set for the program itself, and after `sudo` and its flags. */
function programAt(words: readonly string[]): number {
  let at = 0;
  for (;;) {
    const word = words[at] ?? '';
    if (word === 'sudo') {
      at = words.length - takeFlags(words.slice(at + 1), SUDO_FLAGS, 'sudo').operands.length;
    } else if (ASSIGNMENT.test(word)) {
      at += 1;
    } else {
      return at;
    }
  }
}

function remarksOnShell(
  words: readonly Word[],
  start: number,
  rest: string,
  spec: ParsedLine['spec'],
): string[] {
  const assignments = words.slice(0, start).filter(({ text }) => ASSIGNMENT.test(text));
  const { command, args, environment, secretEnvironment, workDir, name } = spec;
  const variables = [...Object.values(environment), ...Object.values(secretEnvironment)];
  const taken = [command, ...args, ...variables, workDir, name].join('\0');
  const typed = new Set(words.flatMap((word) => word.expansions));
  const expansions = [...typed].slice(0, MAX_EXPANSIONS).filter((each) => taken.includes(each));
  const left = rest.replace(/^#[^\n]*/, '').trim();
  return [
    ...(assignments.length > 0
      ? [
          'Variables set before the command are for the program that starts the job, so the job does not get them.',
        ]
      : []),
    ...(expansions.length > 0
      ? [`A shell would have replaced ${listed(expansions)}; here it stands as it was typed.`]
      : []),
    ...(left === '' ? [] : [`\`${cut(left)}\` belongs to the shell and was left out.`]),
  ];
}

function listed(distinct: readonly string[]): string {
  const named = distinct.slice(0, NAMED).map((text) => `\`${cut(text)}\``);
  return distinct.length > NAMED
    ? `${named.join(', ')} and ${distinct.length - NAMED} more`
    : named.join(', ');
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function unreadable(object: string, reason: string, mend: string): JobletError {
  return new JobletError('invalid', { layer: 'app', operation: 'read the line', object, reason, mend });
}
