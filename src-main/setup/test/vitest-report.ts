/** The part of vitest's JSON report that says what became of each test. */
import { relative } from 'node:path';
import * as z from 'zod/mini';
import type { Outcome } from './results.ts';

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.enum(['passed', 'failed']),
      assertionResults: z.array(
        z.object({
          ancestorTitles: z.array(z.string()),
          title: z.string(),
          status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']),
        }),
      ),
    }),
  ),
});

export interface ReportedTest {
  /** Relative to the checkout. */
  readonly file: string;
  /** The titles of its groups and its own, as vitest's --testNamePattern sees them. */
  readonly title: string;
  /** Unique in the run: file and title. */
  readonly name: string;
  readonly outcome: Outcome;
}

/** @throws $ZodError or SyntaxError when it is no report. */
export function parseReport(text: string, checkout: string): ReportedTest[] {
  return reportSchema.parse(JSON.parse(text)).testResults.flatMap(({ name, status, assertionResults }) => {
    const file = relative(checkout, name);
    const tests = assertionResults.map((test): ReportedTest => {
      const title = [...test.ancestorTitles, test.title].join(' > ');
      const outcome = test.status === 'passed' || test.status === 'failed' ? test.status : 'skipped';
      return { file, title, name: `${file}: ${title}`, outcome };
    });
    // A file that can't be loaded has no tests, and one whose hooks fail may have only good ones.
    return status === 'failed' && !tests.some(({ outcome }) => outcome === 'failed')
      ? [...tests, { file, title: '', name: `${file}: the file itself`, outcome: 'failed' as const }]
      : tests;
  });
}
