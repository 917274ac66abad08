/** Readers that stand still for minutes: the job goes on at its pace, the helper holds no more for them, and they miss nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { JOBLET } from '../fixtures/dist.ts';
import { anonymousBytes } from '../fixtures/process-figures.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { sized, within } from './size.ts';
import { sha256 } from './streams.ts';
import { untilEnded } from './verdict.ts';

const READERS = 8;
const STOPPED_MS = sized(180_000, 30);
const PAUSE_MS = 100;
const ROUNDS = STOPPED_MS / PAUSE_MS;
const LINES_A_ROUND = 4000;
/** How many times as long as its pauses a job may take, on a busy machine. A job that waited for its readers would take for ever. */
const MOST_SLOW = 4;
const BAR_BYTES = 64_000_000;

let helper: RunningHelper;
beforeAll(async () => {
  helper = await RunningHelper.start();
});
afterAll(() => helper?.[Symbol.asyncDispose]());

const SCRIPT = `for i in $(seq ${ROUNDS}); do seq -f "$i %.0f" ${LINES_A_ROUND}; sleep ${PAUSE_MS / 1000}; done`;
const OUTPUT = Array.from({ length: ROUNDS }, (_, round) =>
  Array.from({ length: LINES_A_ROUND }, (_, line) => `${round + 1} ${line + 1}\n`).join(''),
).join('');

it(`readers that stand still for ${STOPPED_MS / 1000} s`, { timeout: within(900_000) }, async () => {
  const client = await helper.connect();
  try {
    const { uuid } = await client.jobs.runJob({ spec: { command: 'sh', args: ['-c', SCRIPT] } });
    const readers = Array.from({ length: READERS }, () => new Reader(helper.root, uuid));
    await Promise.all(readers.map((reader) => reader.hasBegun));
    readers.forEach((reader) => void reader.signal('SIGSTOP'));
    let mostBytes = 0;
    for (const end = Date.now() + STOPPED_MS; Date.now() < end; await delay(PAUSE_MS)) {
      mostBytes = Math.max(mostBytes, anonymousBytes(helper.pid));
    }
    const { status, startedUs, endedUs } = await untilEnded(client, uuid);
    expect(status).toBe(JobStatus.COMPLETED);
    expect(Number(endedUs - startedUs) / 1000).toBeLessThan(MOST_SLOW * STOPPED_MS);
    readers.forEach((reader) => void reader.signal('SIGCONT'));
    const digests = await Promise.all(readers.map((reader) => reader.digest()));
    expect(new Set(digests)).toEqual(new Set([sha256(OUTPUT)]));
    process.stdout.write(`${READERS} readers stood still: RssAnon ${(mostBytes / 1e6).toFixed(1)} MB\n`);
    expect(mostBytes).toBeLessThan(BAR_BYTES);
  } finally {
    client.close();
  }
});

/** A command that follows a log. */
class Reader {
  readonly hasBegun: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #hash = createHash('sha256');
  readonly #ended: Promise<unknown>;

  constructor(root: string, id: string) {
    const argv = ['--root', root, 'job', 'log', '--follow', id];
    const child = spawn(JOBLET, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    this.hasBegun = once(child.stdout, 'data');
    this.#ended = once(child, 'close');
    child.stdout.on('data', (data) => this.#hash.update(data));
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async digest(): Promise<string> {
    await this.#ended;
    return this.#hash.digest('hex');
  }
}
