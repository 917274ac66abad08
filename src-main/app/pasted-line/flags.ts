/** Flags as docker's own parser (pflag) and sudo's (getopt_long) take them: `--name v`, `--name=v`, `-n v`, `-nv`, `-n=v`, `-it`. */
import { usageError } from '../../cli/errors.ts';

export interface Theme {
  /** Why they are left out, or what there is in their place; absent: nothing has to be said. */
  readonly remark?: string;
  /** `--long`, with a short form in front where there is one: `-x--long`. */
  readonly values?: string;
  readonly booleans?: string;
}

interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly takesValue: boolean;
  readonly remark: string | undefined;
}

/** By each way of writing a flag: `-e`, `--env`. */
type FlagTable = ReadonlyMap<string, Flag>;

export interface GivenFlag {
  readonly flag: Flag;
  /** As it was typed, such as `-p 80:80`. */
  readonly typed: string;
  /** `true` of a boolean that was given without one. */
  readonly value: string;
}

interface Taken {
  readonly given: readonly GivenFlag[];
  readonly operands: readonly string[];
}

type Find = (typed: string) => Flag;
/** The word after the flag, which is its value. */
type Next = (typed: string) => string;

export function flagTable(themes: readonly Theme[]): FlagTable {
  return new Map(
    themes.flatMap(({ remark, values = '', booleans = '' }) => [
      ...spellings(values, { takesValue: true, remark }),
      ...spellings(booleans, { takesValue: false, remark }),
    ]),
  );
}

/**
 * Up to the first word that is no flag.
 *
 * @param program named in errors
 * @throws JobletError (invalid): one that is not in the table, or lacks its value
 */
export function takeFlags(words: readonly string[], table: FlagTable, program: string): Taken {
  const find: Find = (typed) => {
    const flag = table.get(typed);
    if (flag === undefined) {
      throw usageError(
        typed.slice(0, 100),
        `is not a flag of \`${program}\` that is known here`,
        'Leave it out.',
      );
    }
    return flag;
  };
  const given: GivenFlag[] = [];
  let at = 0;
  const next: Next = (typed) => {
    const value = words[at];
    if (value === undefined) {
      throw usageError(typed, 'needs a value');
    }
    at += 1;
    return value;
  };
  while (words[at]?.startsWith('-') && words[at] !== '-') {
    const word = words[at] as string;
    at += 1;
    if (word === '--') {
      break;
    }
    given.push(...(word.startsWith('--') ? [longFlag(word, find, next)] : shortFlags(word, find, next)));
  }
  return { given, operands: words.slice(at) };
}

function longFlag(word: string, find: Find, next: Next): GivenFlag {
  const equals = word.indexOf('=');
  const typed = equals === -1 ? word : word.slice(0, equals);
  const flag = find(typed);
  if (equals !== -1) {
    return { flag, typed: word, value: word.slice(equals + 1) };
  }
  return flag.takesValue ? separate(flag, typed, next(typed)) : { flag, typed, value: 'true' };
}

function shortFlags(cluster: string, find: Find, next: Next): GivenFlag[] {
  const given: GivenFlag[] = [];
  for (let at = 1; at < cluster.length; at += 1) {
    const typed = `-${cluster[at]}`;
    const flag = find(typed);
    const attached = cluster.slice(at + 1);
    if (flag.takesValue) {
      const value = attached.replace(/^=/, '');
      return [...given, attached === '' ? separate(flag, typed, next(typed)) : separate(flag, typed, value)];
    }
    if (attached.startsWith('=')) {
      return [...given, { flag, typed, value: attached.slice(1) }];
    }
    given.push({ flag, typed, value: 'true' });
  }
  return given;
}

function separate(flag: Flag, typed: string, value: string): GivenFlag {
  return { flag, typed: `${typed} ${value}`, value };
}

function spellings(list: string, kind: Omit<Flag, 'name'>): [string, Flag][] {
  return list
    .split(' ')
    .filter((each) => each !== '')
    .flatMap((each) => {
      const [, short, long] = /^(?:-(\w))?--(.+)$/.exec(each) ?? [];
      const flag = { name: long ?? '', ...kind };
      const typed = [...(short ? [`-${short}`] : []), `--${long}`];
      return typed.map((word): [string, Flag] => [word, flag]);
    });
}
