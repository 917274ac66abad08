import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REQUESTS } from '../../../src-main/ipc/contract.ts';
import { draftOf, EMPTY_DRAFT, specOf } from './draft.ts';

const parse = (draft: Partial<typeof EMPTY_DRAFT>) =>
  REQUESTS['jobs.run'].request.safeParse({ spec: specOf({ ...EMPTY_DRAFT, ...draft }) });

describe('specOf', () => {
  it.each([
    ['make -j8', 'make', ['-j8']],
    ['echo "a  b" | wc', 'sh', ['-c', 'echo "a  b" | wc']],
    ['A=1 env', 'sh', ['-c', 'A=1 env']],
  ])('%s', (command, program, args) => {
    expect(specOf({ ...EMPTY_DRAFT, command })).toMatchObject({ command: program, args });
  });

  it.each([
    ['command', { command: ' ' }],
    ['limits.cpuPercent', { command: 'a', cpuPercent: '-1' }],
    ['limits.memoryBytes', { command: 'a', memoryMebibytes: 'much' }],
    ['timeoutMs', { command: 'a', timeoutSeconds: '9999999999999' }],
    ['hostname', { command: 'a', hostname: 'no_name' }],
  ])('a bad %s is refused by its field', (field, draft) => {
    const { error } = parse(draft);
    expect(error?.issues.map(({ path }) => path.slice(1, 3).join('.'))).toContain(field);
  });

  it('takes limits in the units of the form', () => {
    expect(
      specOf({ ...EMPTY_DRAFT, command: 'a', memoryMebibytes: '1.5', timeoutSeconds: '0.5' }),
    ).toMatchObject({
      limits: { memoryBytes: 1_572_864n },
      timeoutMs: 500n,
    });
  });
});

describe('draftOf', () => {
  it('gives back fields that mean the same specification', () => {
    const line = fc.stringMatching(/^[a-z][a-z '"$|]{0,20}[a-z]$/);
    const names = fc.stringMatching(/^[A-Z]{1,5}$/);
    fc.assert(
      fc.property(
        line,
        fc.dictionary(names, fc.stringMatching(/^[ -~]{0,12}$/)),
        fc.nat(10_000),
        (command, variables, seconds) => {
          const draft = {
            ...EMPTY_DRAFT,
            command,
            environment: Object.entries(variables)
              .map(([name, value]) => `${name}=${value}`)
              .join('\n'),
            timeoutSeconds: seconds === 0 ? '' : String(seconds),
          };
          const { data } = parse(draft);
          expect(data).toBeDefined();
          if (data !== undefined) {
            expect(parse(draftOf(data.spec)).data).toEqual(data);
          }
        },
      ),
    );
  });
});
