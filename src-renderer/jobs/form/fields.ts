/**
 * What the form has: each field of a job's specification. All tables are keyed by the fields themselves, so that one that the
 * schema gets does not compile until the form has a place, a kind and words for it.
 */
import { NO_RETRY, parseStartTime } from '../../../src-main/ipc/contract.ts';
import { formatTime } from '../../state/format.ts';
import type { CheckedJobSpec } from '../../state/job-spec.ts';
import { text } from '../../text.ts';
import { logOverflowText, parseLogOverflow } from './log-overflow.ts';
import { formatMounts, parseMounts, parsePaths } from './mounts.ts';
import {
  formatBytesExactly,
  formatDurationExactly,
  formatLabels,
  formatPercentExactly,
  formatRetry,
  formatVolumes,
  parseBytes,
  parseDuration,
  parseLabels,
  parsePercent,
  parseRetry,
  parseVolumes,
  parseWhole,
  type Typed,
} from './units.ts';

/** Fields that hold fields. */
type HolderName = 'limits' | 'tcpPorts';
type HeldName<Holder extends HolderName> = `${Holder}.${keyof CheckedJobSpec[Holder] & string}`;
export type FieldName =
  | Exclude<keyof CheckedJobSpec, HolderName>
  | { [Holder in HolderName]: HeldName<Holder> }[HolderName];

/** Fields with an input of their own kind; every other is one line of text. */
type SpecialName = 'command' | 'args' | 'environment' | 'secretEnvironment' | 'terminal' | 'stdin';
export type LineName = Exclude<FieldName, SpecialName>;

/** What is asked for most, in sight at once. */
const ESSENTIALS = 'essentials';
/** The rest, folded, in the order of the form. */
export const FOLDS = ['files', 'limits', 'network', 'isolation', 'time', 'place'] as const;
export type FoldName = (typeof FOLDS)[number];
export type Group = typeof ESSENTIALS | FoldName;

/** How a line of text becomes a value. */
interface Kind<Value> {
  /** Of what is not empty. */
  readonly parse: (typed: string) => Typed<Value>;
  readonly format: (value: Value) => string;
  /** A bound of it; absent: as `format` does. */
  readonly bound?: (bound: number | bigint) => string;
  readonly example: string;
  /** What stands in the specification for nothing; undefined: the field is left out. */
  readonly nothing?: Value;
  /** In the font of code. */
  readonly isCode?: boolean;
}

const small = (parse: (typed: string) => Typed<bigint>) => (typed: string) => {
  const told = parse(typed);
  return 'value' in told ? { value: Number(told.value) } : told;
};

const BYTES: Kind<bigint> = { parse: parseBytes, format: formatBytesExactly, example: '2 GB' };
const WHOLE: Kind<bigint> = { parse: parseWhole, format: String, example: '' };
const PERCENT: Kind<number> = { parse: parsePercent, format: formatPercentExactly, example: '150 %' };
const LEVEL: Kind<number> = { parse: small(parseWhole), format: String, example: '2' };
const WEIGHT: Kind<number> = { parse: small(parseWhole), format: String, example: '100' };
/** What isn't asked for is left out, as with numbers. */
const LIST: Kind<string> = {
  parse: (typed) => ({ value: typed.replaceAll(/\s/g, '') }),
  format: String,
  example: '0-3,8',
};
const DURATION: Kind<bigint> = {
  parse: (typed) => {
    const told = parseDuration(typed);
    // 0 stands for nothing in a specification, so that a zero which was typed could not say what it means.
    return 'value' in told && told.value === 0n ? { fault: text.newJob.zeroTime } : told;
  },
  format: formatDurationExactly,
  example: '30s',
  nothing: 0n,
};
const TIME: Kind<bigint> = {
  parse: (typed) => parseStartTime(typed, Date.now()),
  // What is past means now.
  format: (us) => (Number(us) > Date.now() * 1000 ? formatTime(Number(us)) : ''),
  example: '2h 30m',
  nothing: 0n,
};
const RETRY: Kind<CheckedJobSpec['retry']> = {
  parse: parseRetry,
  format: formatRetry,
  bound: String,
  example: '3, 10s apart',
  nothing: NO_RETRY,
};
const LABELS: Kind<Record<string, string>> = {
  parse: parseLabels,
  format: formatLabels,
  example: 'team=core, stage=test',
  nothing: {},
};
const VOLUMES: Kind<CheckedJobSpec['volumes']> = {
  parse: parseVolumes,
  format: formatVolumes,
  bound: (bound) => text.newJob.volumes(Number(bound)),
  example: 'data, cache:ro',
  nothing: [],
};
const MOUNTS: Kind<CheckedJobSpec['mounts']> = {
  parse: parseMounts,
  format: formatMounts,
  bound: String,
  example: '/home/ann/project, /data:/in:ro',
  nothing: [],
};
const PATHS: Kind<string[]> = {
  parse: parsePaths,
  format: (paths) => paths.join(', '),
  bound: String,
  example: '/home/ann/data.csv, /home/ann/project',
  nothing: [],
};
const WORD: Kind<string> = {
  parse: (typed) => ({ value: typed.trim() }),
  format: String,
  example: '',
  nothing: '',
};

const LOG_OVERFLOW_WORD: Kind<CheckedJobSpec['logOverflow']> = {
  parse: parseLogOverflow,
  format: (value) => logOverflowText(value) ?? '',
  bound: String,
  example: 'block',
  nothing: 0,
};

/** As many as are given, with spaces or commas between them. */
const WORDS_OF_LIST: Kind<string[]> = {
  parse: (typed) => ({ value: typed.trim().split(/[\s,]+/) }),
  format: (list) => String(list).replaceAll(',', ' '),
  example: '',
  nothing: [],
  isCode: true,
};
/** None at all is another wish than no limit. */
const PORT_LIST: Kind<string> = {
  parse: (typed) => ({ value: typed.trim() === 'none' ? '' : typed.replaceAll(/\s/g, '') }),
  format: (list) => (list === '' ? 'none' : list),
  example: '80,443',
  isCode: true,
};

type ValueOf<Name extends LineName> = Name extends `${infer Holder extends HolderName}.${infer Held}`
  ? NonNullable<CheckedJobSpec[Holder][Held & keyof CheckedJobSpec[Holder]]>
  : Name extends keyof CheckedJobSpec
    ? NonNullable<CheckedJobSpec[Name]>
    : never;

/** In the order in which the form shows them. */
export const LINES: { readonly [Name in LineName]: Kind<ValueOf<Name>> & { readonly group: Group } } = {
  name: { ...WORD, group: 'essentials' },
  'limits.memoryBytes': { ...BYTES, group: 'essentials' },
  'limits.cpuPercent': { ...PERCENT, group: 'essentials' },
  timeoutMs: { ...DURATION, example: '1h', group: 'essentials' },
  mounts: { ...MOUNTS, isCode: true, group: 'files' },
  uploads: { ...PATHS, isCode: true, group: 'files' },
  workDir: { ...WORD, example: '/work', isCode: true, group: 'files' },
  volumes: { ...VOLUMES, isCode: true, group: 'files' },
  workBytes: { ...BYTES, example: '10 GB', nothing: 0n, group: 'files' },
  logOverflow: { ...LOG_OVERFLOW_WORD, group: 'files' },
  'limits.memoryHighBytes': { ...BYTES, example: '1536 MB', group: 'limits' },
  'limits.swapBytes': { ...BYTES, example: '512 MB', group: 'limits' },
  'limits.pids': { ...WHOLE, example: '512', group: 'limits' },
  'limits.cpuCores': { ...LIST, group: 'limits' },
  'limits.cpuWeight': { ...WEIGHT, group: 'limits' },
  'limits.ioBytesPerSecond': { ...BYTES, example: '50 MB', group: 'limits' },
  'limits.ioWeight': { ...WEIGHT, group: 'limits' },
  network: { ...WORD, example: 'host', isCode: true, group: 'network' },
  ports: { ...WORDS_OF_LIST, example: '8080:80', group: 'network' },
  'tcpPorts.connect': { ...PORT_LIST, group: 'network' },
  'tcpPorts.bind': { ...PORT_LIST, example: '8000-8010', group: 'network' },
  seccompLevel: { ...LEVEL, group: 'isolation' },
  require: { ...WORDS_OF_LIST, example: 'landlock-scopes', group: 'isolation' },
  startAtUs: { ...TIME, group: 'time' },
  retry: { ...RETRY, group: 'time' },
  stopGraceMs: { ...DURATION, example: '10s', group: 'time' },
  labels: { ...LABELS, isCode: true, group: 'place' },
  hostname: { ...WORD, isCode: true, group: 'place' },
};

export const LINE_NAMES = Object.keys(LINES) as readonly LineName[];

/** A label and a plain sentence of help. */
export const WORDS: Readonly<Record<FieldName, { readonly label: string; readonly help: string }>> =
  text.newJob.fields;

/** A field's kind, whichever value it has: the schema checks what comes of it. */
export function kindOf(name: LineName): Kind<unknown> & { readonly group: Group } {
  return LINES[name] as Kind<unknown> & { readonly group: Group };
}
