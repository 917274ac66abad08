/** What stands in the form, as typed, and the specification that it means. */
import { REQUESTS } from '../../../src-main/ipc/contract.ts';
import type { CheckedJobSpec } from '../../state/job-spec.ts';
import { text } from '../../text.ts';
import { MASK } from '../job-page/command-line.ts';
import { commandText, understand } from './command-text.ts';
import { type FieldName, kindOf, LINE_NAMES, type LineName } from './fields.ts';

export interface Variable {
  readonly id: number;
  name: string;
  value: string;
  isSecret: boolean;
  /** Its value was not kept, and has to be typed again. */
  readonly isForgotten: boolean;
}

/** What the command has to read from. */
export const INPUTS = ['none', 'terminal', 'stdin'] as const;
export type Input = (typeof INPUTS)[number];

/** Until a window shows it, and gives it its own. */
const TERMINAL = { columns: 80, rows: 24 };

export interface Draft {
  command: string;
  input: Input;
  lines: Record<LineName, string>;
  variables: Variable[];
}

export interface Fault {
  readonly field: FieldName;
  /** Of which variable. */
  readonly variableId?: number;
  readonly message: string;
  /** Told at once; else only when the job is to be run: nothing was typed there yet. */
  readonly isTyped: boolean;
}

export interface Checked {
  /** undefined: there are faults. */
  readonly spec: CheckedJobSpec | undefined;
  readonly faults: readonly Fault[];
}

let lastId = 0;

export function variable(fields: Partial<Omit<Variable, 'id'>> = {}): Variable {
  lastId += 1;
  return { name: '', value: '', isSecret: false, isForgotten: false, ...fields, id: lastId };
}

export function emptyDraft(): Draft {
  const lines = Object.fromEntries(LINE_NAMES.map((name) => [name, ''])) as Draft['lines'];
  return { command: '', input: 'none', lines, variables: [] };
}

/** Nothing was typed in it. */
export function isEmptyDraft({ command, input, lines, variables }: Draft): boolean {
  return (
    command === '' &&
    input === 'none' &&
    variables.length === 0 &&
    Object.values(lines).every((line) => line === '')
  );
}

export function draftOf(spec: CheckedJobSpec): Draft {
  const lines = Object.fromEntries(LINE_NAMES.map((name) => [name, lineOf(spec, name)])) as Draft['lines'];
  const plain = Object.entries(spec.environment).map(([name, value]) =>
    value === MASK ? forgotten(name, false) : variable({ name, value }),
  );
  const secret = Object.entries(spec.secretEnvironment).map(([name, value]) =>
    value === MASK || value === '' ? forgotten(name, true) : variable({ name, value, isSecret: true }),
  );
  return {
    command: commandText(spec.command, spec.args),
    input: inputOf(spec),
    lines,
    variables: [...plain, ...secret],
  };
}

function inputOf({ terminal, stdin }: CheckedJobSpec): Input {
  return terminal === undefined ? (stdin ? 'stdin' : 'none') : 'terminal';
}

function forgotten(name: string, isSecret: boolean): Variable {
  return variable({ name, isSecret, isForgotten: true });
}

function lineOf(spec: CheckedJobSpec, name: LineName): string {
  const { nothing, format } = kindOf(name);
  const value = valueAt(spec, name);
  return value === undefined || value === nothing ? '' : format(value);
}

function valueAt(spec: CheckedJobSpec, name: LineName): unknown {
  return name.split('.').reduce<unknown>((holder, key) => (holder as Record<string, unknown>)[key], spec);
}

/** Lines of `NAME=value`, as an `.env` file has them; undefined: it is none. */
export function variablesIn(lines: string): Variable[] | undefined {
  const settings = lines.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  const found = settings.map((line) => /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line));
  if (found.length === 0 || found.includes(null)) {
    return undefined;
  }
  return found.map((match) => {
    const [, name = '', value = ''] = match ?? [];
    const [, , unquoted] = /^(["'])(.*)\1$/.exec(value) ?? [];
    return variable({ name, value: unquoted ?? value });
  });
}

export function check(draft: Draft): Checked {
  const ownFaults = [...faultsOfCommand(draft), ...faultsOfVariables(draft)];
  const values: Record<string, unknown> = {};
  const held: Record<string, Record<string, unknown>> = { limits: {}, tcpPorts: {} };
  for (const name of LINE_NAMES) {
    const { value, fault } = readLine(draft, name);
    if (fault !== undefined) {
      ownFaults.push({ field: name, message: fault, isTyped: true });
    }
    const [first = '', inner] = name.split('.');
    if (value !== undefined) {
      const holder = inner === undefined ? values : held[first];
      Object.assign(holder ?? {}, { [inner ?? first]: value });
    }
  }
  const { command, args } = understand(draft.command);
  const result = REQUESTS['jobs.run'].request.safeParse({
    spec: {
      ...values,
      ...held,
      command,
      args,
      stdin: draft.input === 'stdin',
      ...(draft.input === 'terminal' && { terminal: TERMINAL }),
      ...environmentsOf(draft),
    },
  });
  const schemaFaults = (result.error?.issues ?? []).map((issue) => faultOf(issue, draft));
  const known = new Set(ownFaults.map(keyOf));
  const faults = [...ownFaults, ...schemaFaults.filter((fault) => !known.has(keyOf(fault)))];
  return { spec: faults.length === 0 ? result.data?.spec : undefined, faults };
}

function readLine(draft: Draft, name: LineName): { value?: unknown; fault?: string } {
  const { nothing, parse } = kindOf(name);
  const typed = draft.lines[name];
  if (typed.trim() === '') {
    return { value: nothing };
  }
  const told = parse(typed);
  return 'value' in told ? { value: told.value } : { value: nothing, fault: told.fault };
}

function environmentsOf({ variables }: Draft) {
  const named = variables.filter(({ name }) => name.trim() !== '');
  const those = (isSecret: boolean) =>
    Object.fromEntries(
      named.filter((each) => each.isSecret === isSecret).map(({ name, value }) => [name.trim(), value]),
    );
  return { environment: those(false), secretEnvironment: those(true) };
}

function faultsOfCommand({ command }: Draft): Fault[] {
  const { open } = understand(command);
  return open === undefined
    ? []
    : [{ field: 'command', message: text.newJob.openQuote(open), isTyped: true }];
}

function faultsOfVariables({ variables }: Draft): Fault[] {
  const seen = new Set<string>();
  return variables.flatMap(({ id, name: typed, value, isSecret, isForgotten }) => {
    const name = typed.trim();
    const isTwice = name !== '' && seen.has(name);
    seen.add(name);
    const message =
      name === '' && value !== ''
        ? text.newJob.noName
        : isTwice
          ? text.newJob.twice
          : isForgotten && value === ''
            ? text.newJob.forgotten
            : undefined;
    return message === undefined ? [] : [{ ...placeOf(isSecret), variableId: id, message, isTyped: true }];
  });
}

function placeOf(isSecret: boolean): { field: FieldName } {
  return { field: isSecret ? 'secretEnvironment' : 'environment' };
}

function keyOf({ field, variableId }: Fault): string {
  return `${field} ${variableId ?? ''}`;
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly code?: string | undefined;
  readonly message: string;
  readonly minimum?: number | bigint | undefined;
  readonly maximum?: number | bigint | undefined;
  readonly issues?: readonly { readonly message: string }[] | undefined;
}

function faultOf(issue: Issue, draft: Draft): Fault {
  const [, first, second] = issue.path.map(String);
  if (first === 'environment' || first === 'secretEnvironment') {
    const isSecret = first === 'secretEnvironment';
    const found = draft.variables.find((each) => each.isSecret === isSecret && each.name.trim() === second);
    return {
      field: first,
      message: issue.issues?.[0]?.message ?? issue.message,
      isTyped: true,
      ...(found && { variableId: found.id }),
    };
  }
  if (first === 'command' || first === 'args') {
    return { field: 'command', message: issue.message, isTyped: draft.command.trim() !== '' };
  }
  const isHeld = first === 'limits' || first === 'tcpPorts';
  const field = (isHeld ? `${first}.${second}` : first) as LineName;
  const own = first === 'labels' ? labelMessage(second, issue) : messageOf(issue, field);
  return { field, message: own, isTyped: draft.lines[field].trim() !== '' };
}

function labelMessage(key: string | undefined, { issues, message }: Issue): string {
  return key === undefined ? message : `${key}: ${issues?.[0]?.message ?? message}`;
}

/** Bounds are told in the unit in which the field is typed. */
function messageOf({ code, minimum, maximum, message }: Issue, field: LineName): string {
  const { bound: formatBound, format } = kindOf(field);
  const tell = (bound: number | bigint) =>
    (formatBound ?? format)(typeof bound === 'bigint' ? bound : Number(bound));
  if (code === 'too_small' && minimum !== undefined) {
    return text.newJob.atLeast(tell(minimum));
  }
  return code === 'too_big' && maximum !== undefined ? text.newJob.atMost(tell(maximum)) : message;
}
