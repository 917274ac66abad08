import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { MAX_CONFIG_BYTES, parseConfig } from './config-text.ts';
import { JobletError } from './errors.ts';
import * as z from './schema.ts';

const schema = z.strictObject({
  name: z.string(),
  nested: z.optional(z.strictObject({ numbers: z._default(z.array(z.int()), []) })),
});
const parse = (text: string) => parseConfig(text, schema, '/etc/x.yml');

describe('parseConfig', () => {
  it('gives checked values with their defaults', () => {
    expect(parse('name: a\nnested: {}\n')).toEqual({ name: 'a', nested: { numbers: [] } });
  });

  it.each([
    ['an unknown field, with its line', 'name: a\nfrob: 1\n', /line 2: frob: is not a field of this file/],
    ['an unknown field further in', 'name: a\nnested:\n  frob: 1\n', /line 3: nested\.frob/],
    [
      'a wrong value, with path and line',
      'name: a\nnested:\n  numbers:\n    - x\n',
      /line 4: nested\.numbers\.0/,
    ],
    ['a missing field', 'nested: {}\n', /name/],
    ['a text that is no mapping', '- a\n', /the file/],
    ['an empty text', '', /the file/],
    ['a field twice', 'name: a\nname: b\n', /line 2: Map keys must be unique/],
    ['broken YAML', 'name: [\n', /line 2/],
    ['two documents', 'name: a\n---\nname: b\n', /documents/],
    ['an unknown tag', 'name: !!js/function x\n', /line 1/],
    ['an alias', 'name: &a x\nnested: *a\n', /line 2: aliases are not allowed/],
    ['brackets in brackets', `name: ${'['.repeat(100_000)}`, /nested deeper/],
    ['lists in lists', `name: ${'- '.repeat(100_000)}`, /nested deeper/],
    [
      'deep indentation',
      Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
      /nested deeper/,
    ],
    ['more than 1 MiB', `name: ${'x'.repeat(MAX_CONFIG_BYTES)}`, /larger than/],
  ])('refuses %s', (_what, text, words) => {
    expect(() => parse(text)).toThrow(words);
    expect(() => parse(text)).toThrow(JobletError);
  });

  it('does not tell values, which may be keys', () => {
    expect(() => parse('name: [SECRET]\n')).toThrow(/^((?!SECRET).)*$/s);
  });

  it('reads what the YAML library writes', () => {
    const value = fc.record({
      name: fc.string(),
      nested: fc.record({
        numbers: fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), { maxLength: 50 }),
      }),
    });
    fc.assert(
      fc.property(value, (config) => {
        expect(parse(stringify(config))).toEqual(config);
      }),
    );
  });

  it('throws nothing but JobletError, whatever the text', () => {
    const piece = fc.constantFrom(
      '- ',
      '? ',
      ': ',
      '[',
      '{',
      '}',
      ']',
      '&a ',
      '*a ',
      '!!',
      '|\n',
      '>\n',
      '"',
      "'",
      '\n',
      '\t',
      '  ',
      'name',
      '%',
      '---\n',
      '#',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        try {
          parse(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(JobletError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
