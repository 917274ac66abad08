import { describe, expect, it } from 'vitest';
import { parseReport } from './vitest-report.ts';

const report = (...testResults: object[]): string => JSON.stringify({ testResults });

describe('parseReport', () => {
  it('names tests by file and by the titles that vitest selects them by', () => {
    const text = report({
      name: '/checkout/test/a.spec.ts',
      status: 'passed',
      assertionResults: [
        { ancestorTitles: ['a'], title: 'b', status: 'passed' },
        { ancestorTitles: ['a'], title: 'c', status: 'pending' },
      ],
    });
    expect(parseReport(text, '/checkout')).toEqual([
      { file: 'test/a.spec.ts', title: 'a > b', name: 'test/a.spec.ts: a > b', outcome: 'passed' },
      { file: 'test/a.spec.ts', title: 'a > c', name: 'test/a.spec.ts: a > c', outcome: 'skipped' },
    ]);
  });

  it('counts a file that could not be loaded as a failure', () => {
    const text = report({ name: '/checkout/a.spec.ts', status: 'failed', assertionResults: [] });
    expect(parseReport(text, '/checkout').map(({ outcome }) => outcome)).toEqual(['failed']);
  });

  it('refuses what is no report', () => {
    expect(() => parseReport('{"testResults":[{"name":1}]}', '/')).toThrow();
    expect(() => parseReport('', '/')).toThrow();
  });
});
