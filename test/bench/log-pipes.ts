/** Writers that print all at once, as jobs and into `cat`. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { Connection } from './connection.ts';

/** From the first start to the common beginning: so long a hundred jobs may take to be there. */
const GATHERING_MS_EACH = 50;
const GATHERING_MS = 1000;

export class LogPipes implements AsyncDisposable {
  readonly #helper: RunningHelper;
  readonly #connection: Connection;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cat-'));

  private constructor(helper: RunningHelper, connection: Connection) {
    this.#helper = helper;
    this.#connection = connection;
  }

  static async open(): Promise<LogPipes> {
    const helper = await RunningHelper.start();
    const connection = new Connection(helper.root);
    await connection.watchEnds();
    return new LogPipes(helper, connection);
  }

  /**
   * @param bytes that each of them prints
   * @returns milliseconds from their common beginning until all of it is in their logs.
   */
  async jobs(count: number, writer: string, bytes: number): Promise<number> {
    const begin = beginOf(count);
    const jobs = await Promise.all(
      Array.from({ length: count }, () => this.#connection.submit('sh', '-c', waiting(begin, writer))),
    );
    refuseLate(begin);
    const uuids = jobs.map(({ uuid }) => uuid);
    await Promise.all(uuids.map((uuid) => this.#connection.ended(uuid)));
    const took = Date.now() - begin;
    for (const id of uuids) {
      const { logBytes } = await this.#connection.jobs.getJob({ id });
      refuseLoss(Number(logBytes), bytes);
    }
    await Promise.all(uuids.map((id) => this.#connection.jobs.deleteJob({ id })));
    return took;
  }

  async cats(count: number, writer: string, bytes: number): Promise<number> {
    const begin = beginOf(count);
    const files = Array.from({ length: count }, (_, number) => join(this.#folder, String(number)));
    const pipes = files.map((file) => spawnShell(`( ${waiting(begin, writer)} ) | cat >${file}`));
    refuseLate(begin);
    await Promise.all(pipes.map((pipe) => once(pipe, 'exit')));
    const took = Date.now() - begin;
    for (const file of files) {
      refuseLoss(statSync(file).size, bytes);
      rmSync(file);
    }
    return took;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true });
    await this.#helper[Symbol.asyncDispose]();
  }
}

/** Milliseconds since the epoch. What the turn before has written must not be on its way to the disk then. */
function beginOf(count: number): number {
  execFileSync('sync');
  return Date.now() + GATHERING_MS + count * GATHERING_MS_EACH;
}

/** The shell and its sleep are there before. */
function waiting(begin: number, writer: string): string {
  return `sleep $(echo $((${begin} - $(date +%s%3N))) | sed 's/...$/.&/'); exec ${writer}`;
}

/** As nice as a job is. */
function spawnShell(line: string): ChildProcess {
  return spawn('nice', ['-n', '10', 'sh', '-c', line], { stdio: 'ignore' });
}

function refuseLate(begin: number): void {
  if (Date.now() > begin) {
    throw new Error(`the writers were not there in time: ${Date.now() - begin} ms late`);
  }
}

function refuseLoss(bytes: number, printed: number): void {
  if (bytes !== printed) {
    throw new Error(`${bytes} of ${printed} bytes are there`);
  }
}
