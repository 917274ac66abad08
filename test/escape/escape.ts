/** The shape of every test here: shut on the normal build, open as soon as the layer that shuts it is left out. */
import { describe, expect, test } from 'vitest';
import type { ExitRecord } from '../../native-helper/server/jobs/exit-record.ts';
import type { SourceOpener } from '../../native-helper/server/mounts/source-opener.ts';
import { type JobOptions, Sandbox, type StartedJob, type Weakened } from './sandbox.ts';

export interface Verdict {
  readonly outcome: 'held' | 'escaped';
  readonly evidence: string;
}

/** What an attempt starts its jobs with: one build, with some of its layers left out. */
export class Jobs {
  readonly sandbox: Sandbox;
  readonly #weakened: Weakened;

  constructor(sandbox: Sandbox, weakened: Weakened) {
    this.sandbox = sandbox;
    this.#weakened = weakened;
  }

  start(command: readonly string[], options: JobOptions = {}): StartedJob {
    return this.sandbox.start(this.#weakened, command, options);
  }

  startProbe(command: readonly string[], options: JobOptions = {}): StartedJob {
    return this.start([this.sandbox.probeFor(this.#weakened), ...command], options);
  }

  sourceOpener(): SourceOpener {
    return this.sandbox.sourceOpener(this.#weakened);
  }

  /** Runs a probe to its end and gives its verdict. */
  async probe(command: readonly string[], options: JobOptions = {}): Promise<Verdict> {
    const job = this.startProbe(command, options);
    return verdictOf(job, await job.ended());
  }

  /** The same, where it holds too if the job is refused for a reason that `refusal` matches. */
  async probeOrRefusal(
    refusal: RegExp,
    command: readonly string[],
    options: JobOptions = {},
  ): Promise<Verdict> {
    const job = this.startProbe(command, options);
    const exit = await job.ended();
    const reason = JSON.stringify(exit?.error);
    return exit?.ended_by === 'refused' && refusal.test(reason)
      ? { outcome: 'held', evidence: reason }
      : verdictOf(job, exit);
  }
}

export interface Escape {
  /** The layer that stands in the way; the weak build leaves out just this. */
  readonly layer: string;
  /**
   * Further layers that would stand in the way as well. They are left out of both runs of the weak build, so that
   * what holds is shown to be the one layer alone.
   */
  readonly beside?: readonly string[];
  /** Says what this kernel lacks for the test to mean anything; undefined when it lacks nothing. */
  readonly lacks?: () => string | undefined;
  readonly attempt: (jobs: Jobs) => Promise<Verdict>;
}

/** It refuses a job that lacks any other layer, so it is left out with each of them; report.spec.ts tests it alone. */
const REPORT = 'report';

const sandboxTest = test.extend<{ sandbox: Sandbox }>({
  sandbox: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of what a fixture needs from the pattern
    async ({}, use) => {
      await using sandbox = new Sandbox();
      await use(sandbox);
    },
    { scope: 'file' },
  ],
});

/** @param title what a job cannot do. */
export function cannotEscape(title: string, { layer, beside = [], lacks, attempt }: Escape): void {
  const run = (name: string, weakened: Weakened, outcome: Verdict['outcome']): void => {
    sandboxTest(name, async ({ sandbox, skip }) => {
      const lack = lacks?.();
      skip(lack !== undefined, lack);
      const verdict = await attempt(new Jobs(sandbox, weakened));
      expect(verdict.outcome, verdict.evidence).toBe(outcome);
    });
  };
  const always = layer === REPORT ? [] : [REPORT];
  describe(title, () => {
    run('holds', undefined, 'held');
    if (beside.length > 0) {
      run(`holds by ${layer} alone, without ${beside.join(', ')}`, [...always, ...beside], 'held');
    }
    run(`breaks without ${[layer, ...beside].join(', ')}`, [...always, layer, ...beside], 'escaped');
  });
}

const VERDICT = /^(held|escaped): (.*)\n$/m;

/** @throws Error when the job came to no verdict: then it has shown nothing. */
function verdictOf(job: StartedJob, exit: ExitRecord | undefined): Verdict {
  const output = job.output();
  const verdict = VERDICT.exec(output.slice(output.lastIndexOf('\n', output.length - 2) + 1));
  if (exit?.ran !== true || verdict === null) {
    throw new Error(`the probe came to no verdict: ${JSON.stringify(exit)}\n${output}`);
  }
  return { outcome: verdict[1] as Verdict['outcome'], evidence: verdict[2] ?? '' };
}

/** A verdict that the test itself comes to, from what it sees on the host. */
export function verdict(escaped: boolean, evidence: string): Verdict {
  return { outcome: escaped ? 'escaped' : 'held', evidence };
}
