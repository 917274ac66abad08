/** The command line as a real process, and a real helper under a root of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/** The build under test; JOBLET_DIST names another folder than the checkout's own. */
export const DIST = process.env.JOBLET_DIST ?? join(import.meta.dirname, '../../dist');
const HELPER_STARTS_WITHIN_MS = 20_000;

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

/** A helper under a temporary root, and the command line that speaks to it. */
export class TestHelper {
  readonly root: string;
  #process: ReturnType<typeof spawn> | undefined;

  private constructor(root: string) {
    this.root = root;
  }

  static async start(): Promise<TestHelper> {
    const helper = new TestHelper(await mkdtemp(join(tmpdir(), 'jc-')));
    await helper.resume();
    return helper;
  }

  /** Starts the process; resolves when it answers. */
  async resume(): Promise<void> {
    const child = spawn(join(DIST, 'joblet-helper'), ['--root', this.root], {
      stdio: 'ignore',
      env: { ...process.env, JOBLET_MODE: 'server' },
    });
    this.#process = child;
    const deadline = Date.now() + HELPER_STARTS_WITHIN_MS;
    while ((await this.run('helper', 'status')).exitCode !== 0) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the helper under ${this.root} did not start (exit code ${child.exitCode})`);
      }
      await delay(100);
    }
  }

  /** Ends the process as a crash would; its jobs go on. */
  async crash(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#ended();
  }

  run(...words: string[]): Promise<Outcome> {
    return run(['--root', this.root, ...words]);
  }

  startCommand(...words: string[]): CommandProcess {
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

  /** Ends every job and the helper, which takes its cgroup with it, and removes the root. */
  async dispose(): Promise<void> {
    const jobs: { id: string; end_time?: string }[] = await this.json('job', 'list').catch(() => []);
    for (const { id } of jobs.filter(({ end_time }) => end_time === undefined)) {
      await this.run('job', 'stop', '--grace', '0s', id);
    }
    await this.run('helper', 'stop');
    await this.#ended();
    await rm(this.root, { recursive: true, force: true });
  }

  async #ended(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      await once(child, 'exit');
    }
  }
}
