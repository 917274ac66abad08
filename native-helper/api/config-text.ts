/** From the text of a configuration to checked values: bounded YAML, then one schema; faults name path and line. */
import { type Document, isNode, LineCounter, parseDocument, visit } from 'yaml';
import { JobletError } from './errors.ts';
import type * as z from './schema.ts';

/** A configuration with three certificates takes 3 KiB. */
export const MAX_CONFIG_BYTES = 1_048_576;
/** The schemas go four deep, and each level may be indented as its author likes. */
const MAX_NESTING = 64;

/**
 * @param text at most MAX_CONFIG_BYTES; the caller bounds what it reads.
 * @param file its path, for messages.
 * @throws JobletError (invalid) that names the field and the line, never a value: values may be keys.
 */
export function parseConfig<Schema extends z.ZodMiniType>(
  text: string,
  schema: Schema,
  file: string,
): z.infer<Schema> {
  const lines = new LineCounter();
  const document = parseYaml(text, lines, file);
  const result = schema.safeParse(document.toJS());
  if (!result.success) {
    const faults = result.error.issues.map((issue) => describeIssue(issue, document, lines));
    throw malformed(file, faults.join('; '));
  }
  return result.data;
}

function parseYaml(text: string, lines: LineCounter, file: string): Document {
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    throw malformed(file, `is larger than ${MAX_CONFIG_BYTES} bytes`);
  }
  if (nestingBound(text) > MAX_NESTING) {
    throw malformed(file, `is nested deeper than ${MAX_NESTING}`);
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) {
    throw malformed(file, `line ${lines.linePos(fault.pos[0]).line}: ${fault.message}`);
  }
  visit(document, {
    // A few aliases of aliases make gigabytes of values ("billion laughs").
    Alias(_key, alias) {
      throw malformed(file, `line ${lines.linePos(alias.range?.[0] ?? 0).line}: aliases are not allowed`);
    },
  });
  return document;
}

/**
 * How deep a text can be nested at most, found without parsing: the parser itself takes quadratic time for depth.
 * A level is opened by a bracket, by an indicator, or by at least one column of indentation.
 */
function nestingBound(text: string): number {
  const brackets = text.match(/[[{]/g)?.length ?? 0;
  const ofLine = (line: string): number =>
    (/^ */.exec(line)?.[0].length ?? 0) + (line.match(/(?<=^|\s)[-?:](?=\s)/g)?.length ?? 0);
  return brackets + text.split('\n').reduce((deepest, line) => Math.max(deepest, ofLine(line)), 0);
}

function describeIssue(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): string {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] as string] : issue.path;
  const message = issue.code === 'unrecognized_keys' ? 'is not a field of this file' : issue.message;
  return `line ${lineOf(path, document, lines)}: ${path.join('.') || 'the file'}: ${message}`;
}

/** The line of the nearest thing that is there: a field that is missing has none. */
function lineOf(path: readonly PropertyKey[], document: Document, lines: LineCounter): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range != null) {
      return lines.linePos(node.range[0]).line;
    }
  }
  return 1;
}

function malformed(file: string, reason: string): JobletError {
  return new JobletError('invalid', {
    layer: 'config',
    operation: 'parse',
    object: file,
    reason,
    mend: 'docs/configuration.md describes each field.',
  });
}
