import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJobSpec } from '../../../test/fixtures/any-job-spec.ts';
import type { CheckedJobSpec } from '../../state/job-spec.ts';
import { check, type Draft, draftOf, emptyDraft, variable, variablesIn } from './draft.ts';
import type { LineName } from './fields.ts';

function draft(
  command: string,
  lines: Partial<Record<LineName, string>> = {},
  rest: Partial<Draft> = {},
): Draft {
  const empty = emptyDraft();
  return { ...empty, command, lines: { ...empty.lines, ...lines }, ...rest };
}

const messages = (wrong: Draft) => check(wrong).faults.map(({ field, message }) => `${field}: ${message}`);

describe('check', () => {
  it('takes a command alone, and asks for nothing else', () => {
    expect(check(draft('make -j8')).spec).toEqual({
      name: '',
      command: 'make',
      args: ['-j8'],
      environment: {},
      secretEnvironment: {},
      limits: {},
      timeoutMs: 0n,
      stopGraceMs: 0n,
      workDir: '',
      stdin: false,
      hostname: '',
      volumes: [],
      labels: {},
      startAtUs: 0n,
      retry: { attempts: 0, delayMs: 0n, backoff: 0 },
      network: '',
      ports: [],
      require: [],
      tcpPorts: {},
      mounts: [],
      workBytes: 0n,
      logOverflow: 0,
      uploads: [],
    });
  });

  it('takes everything in the units of the form', () => {
    const { spec } = check(
      draft(
        'make && make install',
        {
          'limits.memoryBytes': '1.5 GB',
          'limits.cpuPercent': '2 cores',
          'limits.pids': '512',
          'limits.cpuWeight': '100',
          timeoutMs: '2h',
          retry: '3, 1m 30s apart, 2 times longer each',
          labels: 'team=core,nightly',
          volumes: 'data, cache:ro',
          name: ' build ',
        },
        {
          variables: [
            variable({ name: 'CC', value: 'clang' }),
            variable({ name: 'T', value: 'x', isSecret: true }),
          ],
        },
      ),
    );
    expect(spec).toMatchObject({
      command: 'sh',
      args: ['-c', 'make && make install'],
      name: 'build',
      limits: { memoryBytes: 1_610_612_736n, cpuPercent: 200, pids: 512n, cpuWeight: 100 },
      timeoutMs: 7_200_000n,
      retry: { attempts: 3, delayMs: 90_000n, backoff: 2 },
      labels: { team: 'core', nightly: '' },
      volumes: [
        { name: 'data', readOnly: false },
        { name: 'cache', readOnly: true },
      ],
      environment: { CC: 'clang' },
      secretEnvironment: { T: 'x' },
    });
  });

  it.each([
    ['nothing', draft(' '), 'command: must not be empty'],
    ['an open quote', draft("echo 'a"), "command: the quote ' is opened and not closed"],
    ['no size', draft('a', { 'limits.memoryBytes': 'much' }), /^limits.memoryBytes: .*is not a size/],
    [
      'too little memory',
      draft('a', { 'limits.memoryBytes': '1 KB' }),
      'limits.memoryBytes: must be at least 1 MB',
    ],
    ['too long a time', draft('a', { timeoutMs: '366d' }), 'timeoutMs: must be at most 365d'],
    ['no time at all', draft('a', { timeoutMs: '0s' }), /^timeoutMs: .*empty/],
    ['a bad host name', draft('a', { hostname: 'no_name' }), 'hostname: must be a host name label'],
    ['no start', draft('a', { startAtUs: 'tomorrow' }), /^startAtUs: is not a time/],
    ['too many attempts', draft('a', { retry: '101' }), 'retry: must be at most 100'],
    ['no attempts', draft('a', { retry: '0' }), /^retry: is not a number of attempts/],
    ['no label', draft('a', { labels: 'team=a/b' }), /^labels: team: must be empty or up to 63/],
    ['no volume', draft('a', { volumes: '../etc' }), /^volumes: must be 1 to 63/],
    ['no network', draft('a', { network: '../x' }), /^network: must be 1 to 63/],
    ['no port', draft('a', { network: 'bridge', ports: '80' }), /^ports: must be \[ADDRESS/],
    ['ports without addresses', draft('a', { ports: '80:80' }), /^ports: can be published only/],
    ['no list of ports', draft('a', { 'tcpPorts.bind': '80,' }), /^tcpPorts.bind: must be up to/],
    ['a relative folder', draft('a', { workDir: 'src' }), 'workDir: must be an absolute path'],
  ])('names the field of %s', (_what, wrong, message) => {
    expect(check(wrong).spec).toBeUndefined();
    expect(messages(wrong)).toEqual([message instanceof RegExp ? expect.stringMatching(message) : message]);
  });

  it.each([
    ['without a name', [{ value: 'x' }], 1],
    ['set twice', [{ name: 'A' }, { name: 'A', isSecret: true }], 2],
    ['with a name that cannot be', [{ name: '1A' }], 1],
    ['whose value was not kept', [{ name: 'A', isSecret: true, isForgotten: true }], 1],
  ])('names the variable %s', (_what, fields, place) => {
    const variables = fields.map((each) => variable(each));
    const { spec, faults } = check(draft('a', {}, { variables }));
    expect(spec).toBeUndefined();
    expect(faults.some(({ variableId }) => variableId === variables[place - 1]?.id)).toBe(true);
  });

  it('tells of an empty command only when it is to be run', () => {
    expect(check(emptyDraft()).faults).toEqual([
      expect.objectContaining({ field: 'command', isTyped: false }),
    ]);
  });

  it('asks again for values that nobody was told', () => {
    const { spec } = check(draft('a'));
    const asked = draftOf({
      ...(spec as CheckedJobSpec),
      environment: { MY_TOKEN: '***' },
      secretEnvironment: { S: '' },
    });
    expect(asked.variables.map(({ value, isForgotten }) => [value, isForgotten])).toEqual([
      ['', true],
      ['', true],
    ]);
    expect(check(asked).faults).toHaveLength(2);
  });

  it('means by the draft of a specification the same specification', () => {
    fc.assert(
      fc.property(anyJobSpec, (asked) => {
        expect(check(draftOf(asked))).toEqual({ spec: asked, faults: [] });
      }),
    );
  });
});

describe('a start time', () => {
  it('counts from the moment at which it is checked', () => {
    const before = Date.now();
    const { spec } = check(draft('a', { startAtUs: '2h 30m' }));
    expect(Number(spec?.startAtUs) / 1000 - before - 9_000_000).toBeLessThan(1000);
  });

  it('is told as the time that it is, and not at all once it is past', () => {
    const { spec } = check(draft('a'));
    const later = BigInt(Date.now() + 3_600_000) * 1000n;
    const told = (startAtUs: bigint) => draftOf({ ...(spec as CheckedJobSpec), startAtUs }).lines.startAtUs;
    expect(told(later)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect(told(1n)).toBe('');
  });
});

describe('variablesIn', () => {
  it('reads the lines of an .env file', () => {
    const found = variablesIn('# about\nexport CC=clang\n\nFLAGS="-O2 -g"\n');
    expect(found?.map(({ name, value }) => [name, value])).toEqual([
      ['CC', 'clang'],
      ['FLAGS', '-O2 -g'],
    ]);
  });

  it.each(['PATH', 'make -j8', ''])('is none in %j', (lines) => {
    expect(variablesIn(lines)).toBeUndefined();
  });
});
