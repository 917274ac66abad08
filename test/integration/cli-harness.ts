/** The command line as a real process, and a real helper for it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll } from 'vitest';
import { DIST } from '../fixtures/dist.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const HELPER_PATIENCE_MS = 60_000;

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it was written. */
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly program?: 'joblet' | 'rnx';
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

type CommandProcess = ChildProcessByStdio<null, Readable, Readable>;

/** Starts `joblet` (or `rnx`) with an environment of which only PATH and HOME are the tester's. */
function start(words: readonly string[], options: RunOptions = {}): CommandProcess {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(join(DIST, options.program ?? 'joblet'), words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, TZ: 'UTC', ...options.environment },
    cwd: options.directory ?? tmpdir(),
  });
}

export async function outcomeOf(child: CommandProcess): Promise<Outcome> {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [bytes, errors, exitCode] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  return { exitCode, stdout: bytes.toString('utf8'), stderr: errors.toString('utf8'), bytes };
}

export function run(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return outcomeOf(start(words, options));
}

/** The command line, and the helper that it speaks to. */
export class CommandLine {
  #helper: RunningHelper | undefined;

  /** With a helper that runs from before the first test of the file until after the last. */
  static forFile(): CommandLine {
    const joblet = new CommandLine();
    beforeAll(async () => {
      joblet.#helper = await RunningHelper.start();
    }, HELPER_PATIENCE_MS);
    afterAll(() => joblet.#helper?.[Symbol.asyncDispose](), HELPER_PATIENCE_MS);
    return joblet;
  }

  get helper(): RunningHelper {
    if (this.#helper === undefined) {
      throw new Error('the helper is started before the first test: ask for it in a test');
    }
    return this.#helper;
  }

  get root(): string {
    return this.helper.root;
  }

  run(...words: string[]): Promise<Outcome> {
    return run(['--root', this.root, ...words]);
  }

  start(...words: string[]): CommandProcess {
    return start(['--root', this.root, ...words]);
  }

  /** The value that a command prints with `--json`. */
  // biome-ignore lint/suspicious/noExplicitAny: its shape is what the tests are about
  async json(...words: string[]): Promise<any> {
    const { stdout } = await this.run('--json', ...words);
    return JSON.parse(stdout);
  }

  /** Submits a job and answers with its id. */
  async submit(...words: string[]): Promise<string> {
    return (await this.json('job', 'run', ...words)).job_uuid;
  }
}
