import { describe, expect, it } from 'vitest';
import { Results } from './results.ts';

describe('Results', () => {
  it('counts a test once, however many kernels it ran on', () => {
    const results = new Results();
    results.record('a', 'skipped');
    results.record('a', 'passed');
    results.record('a', 'skipped');
    expect(results.tally()).toEqual({ passed: 1, failed: 0, skipped: 0 });
  });

  it('holds on to a failure', () => {
    const results = new Results();
    results.record('a', 'failed');
    results.record('a', 'passed');
    expect(results.testsThat('failed')).toEqual(['a']);
  });

  it('names what no kernel could run', () => {
    const results = new Results();
    results.record('a', 'passed');
    results.record('b', 'skipped');
    results.record('b', 'skipped');
    expect(results.testsThat('skipped')).toEqual(['b']);
  });
});
