/** The shape of every test here: shut on the normal build, open as soon as the layer that shuts it is left out. */
import { describe, expect, test } from 'vitest';
import type { ExitRecord } from '../../native-helper/server/jobs/exit-record.ts';
import type { TerminalSize } from '../../native-helper/server/jobs/session-frames.ts';
import type { SourceOpener } from '../../native-helper/server/mounts/source-opener.ts';
import { type JobOptions, type OpenJob, Sandbox, type StartedJob, type Weakened } from './sandbox.ts';

export interface Verdict {
  readonly outcome: 'held' | 'escaped';
  readonly evidence: string;
}

/** How a probe comes into a job: as its command, or by `job exec` while another command runs. */
type Entrance = 'command' | 'exec';

/** What an attempt starts its jobs with: one build, with some of its layers left out. */
export class Jobs {
  readonly sandbox: Sandbox;
  readonly #weakened: Weakened;
  readonly #entrance: Entrance;

  constructor(sandbox: Sandbox, weakened: Weakened, entrance: Entrance) {
    this.sandbox = sandbox;
    this.#weakened = weakened;
    this.#entrance = entrance;
  }

  start(command: readonly string[], options: JobOptions = {}): StartedJob {
    return this.sandbox.start(this.#weakened, command, options);
  }

  startProbe(command: readonly string[], options: JobOptions = {}): StartedJob {
    return this.start([this.sandbox.probeFor(this.#weakened), ...command], options);
  }

  /** A job in which commands can be run. Unless another command is named, its own does nothing. */
  open(
    options: JobOptions = {},
    command: readonly string[] = ['lifetime.wait', 'for ever'],
  ): Promise<OpenJob> {
    return this.sandbox.open(this.#weakened, [this.sandbox.probeFor(this.#weakened), ...command], options);
  }

  /** A search of an empty log. @returns the exit code of grep(1). */
  search(words: readonly string[]): number | null {
    return this.sandbox.search(this.#weakened, words);
  }

  sourceOpener(): SourceOpener {
    return this.sandbox.sourceOpener(this.#weakened);
  }

  /** Runs a probe to its end and gives its verdict. */
  async probe(command: readonly string[], options: JobOptions = {}): Promise<Verdict> {
    const { end, output, ran } = await this.#run(command, options);
    return verdictOf(output, ran, end);
  }

  /** The same, where it holds too if the job is refused for a reason that `refusal` matches. */
  async probeOrRefusal(
    refusal: RegExp,
    command: readonly string[],
    options: JobOptions = {},
  ): Promise<Verdict> {
    const { end, output, ran } = await this.#run(command, options);
    const reason = JSON.stringify(end?.error);
    return end?.ended_by === 'refused' && refusal.test(reason)
      ? { outcome: 'held', evidence: reason }
      : verdictOf(output, ran, end);
  }

  /** What a job's own probe says at its end. */
  async verdictOf(job: StartedJob): Promise<Verdict> {
    const end = await job.ended();
    return verdictOf(job.output(), end?.ran === true, end);
  }

  /** The same for a probe in a job that runs. */
  async probeIn(job: OpenJob, command: readonly string[], terminal?: TerminalSize): Promise<Verdict> {
    const { output, ran } = await job.execute([this.sandbox.probeFor(this.#weakened), ...command], terminal);
    // A terminal ends lines in its own way, and shows what is typed before them.
    const lines = output.replaceAll('\r\n', '\n').replace(/^.*?(?=held: |escaped: |broken: )/m, '');
    return verdictOf(lines, ran, job.refused);
  }

  async #run(command: readonly string[], options: JobOptions): Promise<Run> {
    if (this.#entrance === 'command') {
      const job = this.startProbe(command, options);
      const end = await job.ended();
      return { end, output: job.output(), ran: end?.ran === true };
    }
    await using open = await this.open(options);
    if (open.refused !== undefined) {
      return { end: open.refused, output: open.job.output(), ran: false };
    }
    return { end: undefined, ...(await open.execute([this.sandbox.probeFor(this.#weakened), ...command])) };
  }
}

interface Run {
  /** Of the job; undefined while it goes on. */
  readonly end: ExitRecord | undefined;
  readonly output: string;
  readonly ran: boolean;
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
  /** false: what is tried has nothing to do with how a command comes into its job. */
  readonly byExec?: boolean;
  readonly attempt: (jobs: Jobs) => Promise<Verdict>;
}

/** It refuses a job that lacks any other layer, so it is left out with each of them; report.spec.ts tests it alone. */
const REPORT = 'report';

export const sandboxTest = test.extend<{ sandbox: Sandbox }>({
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
export function cannotEscape(
  title: string,
  { layer, beside = [], lacks, byExec = true, attempt }: Escape,
): void {
  type Outcome = Verdict['outcome'];
  const runAs = (entrance: Entrance, name: string, weakened: Weakened, outcome: Outcome): void => {
    sandboxTest(name, async ({ sandbox, skip }) => {
      const lack = lacks?.();
      skip(lack !== undefined, lack);
      const verdict = await attempt(new Jobs(sandbox, weakened, entrance));
      expect(verdict.outcome, verdict.evidence).toBe(outcome);
    });
  };
  const run = (name: string, weakened: Weakened, outcome: Outcome): void =>
    runAs('command', name, weakened, outcome);
  const always = layer === REPORT ? [] : [REPORT];
  describe(title, () => {
    run('holds', undefined, 'held');
    if (beside.length > 0) {
      run(`holds by ${layer} alone, without ${beside.join(', ')}`, [...always, ...beside], 'held');
    }
    const broken = [...always, layer, ...beside];
    run(`breaks without ${[layer, ...beside].join(', ')}`, broken, 'escaped');
    if (byExec) {
      runAs('exec', 'holds by job exec', undefined, 'held');
      runAs('exec', `breaks by job exec without ${[layer, ...beside].join(', ')}`, broken, 'escaped');
    }
  });
}

const VERDICT = /^(held|escaped): (.*)\n$/m;

/** @throws Error when the job came to no verdict: then it has shown nothing. */
function verdictOf(output: string, ran: boolean, end: ExitRecord | undefined): Verdict {
  const verdict = VERDICT.exec(output.slice(output.lastIndexOf('\n', output.length - 2) + 1));
  if (!ran || verdict === null) {
    throw new Error(`the probe came to no verdict: ${JSON.stringify(end)}\n${output}`);
  }
  return { outcome: verdict[1] as Verdict['outcome'], evidence: verdict[2] ?? '' };
}

/** A verdict that the test itself comes to, from what it sees on the host. */
export function verdict(escaped: boolean, evidence: string): Verdict {
  return { outcome: escaped ? 'escaped' : 'held', evidence };
}
