import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientConfigSchema, serverConfigSchema } from './config-schema.ts';
import * as z from './schema.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Every field that holds a value, by its dotted path. */
function fieldsOf(schema: JsonSchema, path = ''): [path: string, schema: JsonSchema][] {
  const { properties, additionalProperties } = schema;
  if (properties !== undefined) {
    return Object.entries(properties).flatMap(([name, each]) =>
      fieldsOf(each, path === '' ? name : `${path}.${name}`),
    );
  }
  if (typeof additionalProperties === 'object') {
    return [[`${path}.<name>`, schema], ...fieldsOf(additionalProperties, `${path}.<name>`)];
  }
  return [[path, schema]];
}

/** The rows of the table in one section: field → its other cells. */
function documentedIn(heading: string): Map<string, string[]> {
  const section = DOCUMENT.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    rows.map((row) => {
      const [field = '', ...cells] = row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [field.replaceAll('`', ''), cells];
    }),
  );
}

const jsonSchemaOf = (schema: z.ZodMiniType) => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
const sections: [string, z.ZodMiniType][] = [
  ['The helper', serverConfigSchema],
  ['A client', clientConfigSchema],
];

describe.each(sections)('docs/configuration.md: %s', (heading, schema) => {
  const fields = fieldsOf(jsonSchemaOf(schema));
  const documented = documentedIn(heading);

  it('describes every field of the schema and no other', () => {
    expect([...documented.keys()].sort()).toEqual(fields.map(([path]) => path).sort());
  });

  it.each(fields.filter(([, { default: value }]) => typeof value === 'number' || typeof value === 'string'))(
    'tells the default of %s',
    (path, { default: value }) => {
      const told = documented.get(path)?.[1] ?? '';
      const inWords = told
        .replace(/(\d+) GiB/, (_, count) => String(Number(count) * 2 ** 30))
        .replaceAll('`', '');
      expect(inWords).toBe(String(value));
    },
  );

  const bounded = fields.filter(([, { maximum = Number.MAX_SAFE_INTEGER, minimum }]) => {
    return minimum !== undefined && maximum < 2 ** 32 - 2;
  });
  it.each(bounded)('tells the bounds of %s', (path, { minimum, maximum }) => {
    expect(documented.get(path)?.[0]).toBe(`${minimum}–${maximum}`);
  });
});
