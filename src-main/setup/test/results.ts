/** What became of each test, over all the kernels that this run has. */

export type Outcome = 'passed' | 'failed' | 'skipped';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A test that was skipped here may pass there; one that failed anywhere has failed. */
const WEIGHT: Readonly<Record<Outcome, number>> = { skipped: 0, passed: 1, failed: 2 };

export class Results {
  readonly #outcomes = new Map<string, Outcome>();

  record(test: string, outcome: Outcome): void {
    const before = this.#outcomes.get(test);
    if (before === undefined || WEIGHT[outcome] > WEIGHT[before]) {
      this.#outcomes.set(test, outcome);
    }
  }

  tally(): Tally {
    const count = (outcome: Outcome) => this.testsThat(outcome).length;
    return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
  }

  testsThat(outcome: Outcome): string[] {
    return [...this.#outcomes].filter(([, each]) => each === outcome).map(([test]) => test);
  }
}
