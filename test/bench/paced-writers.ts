/** Writers of one pace that print all at once, as jobs and into `cat`. */
import { execFileSync, spawn } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LogStream } from '../../native-helper/api/gen/joblet_pb.js';
import { Connection } from './connection.ts';

const SECONDS = 3;
const LINE = 64;
/** From the first start to the common beginning. */
const GATHERING_MS_EACH = 40;
const GATHERING_MS = 2000;

/** What the writers say of themselves, together. */
export interface Paced {
  readonly written: number;
  /** Writes for which there was no room at first. */
  readonly refused: number;
  /** How late the last of them was at the end. */
  readonly lateMs: number;
  readonly tookMs: number;
}

export interface PacedSide {
  readonly name: string;
  /** @throws Error when a line is lost. */
  run(count: number, linesPerSecond: number): Promise<Paced>;
}

export class PacedJobs implements PacedSide, Disposable {
  readonly name = 'joblet';
  readonly #connection: Connection;
  readonly #program: string;

  private constructor(connection: Connection, program: string) {
    this.#connection = connection;
    this.#program = program;
  }

  static async open(root: string, program: string): Promise<PacedJobs> {
    const connection = new Connection(root);
    await connection.watchEnds();
    return new PacedJobs(connection, program);
  }

  async run(count: number, linesPerSecond: number): Promise<Paced> {
    const { jobs } = this.#connection;
    const begin = beginOf(count);
    const spec = {
      command: join('/bench', basename(this.#program)),
      args: argumentsOf(begin, linesPerSecond),
      mounts: [{ source: dirname(this.#program), target: '/bench', readOnly: true }],
    };
    const started = await Promise.all(Array.from({ length: count }, () => jobs.runJob({ spec })));
    refuseLate(begin);
    const reports: Report[] = [];
    for (const { uuid } of started) {
      await this.#connection.ended(uuid);
      reports.push(await this.#reportOf(uuid));
      await jobs.deleteJob({ id: uuid });
    }
    return together(reports);
  }

  async #reportOf(id: string): Promise<Report> {
    const { jobs } = this.#connection;
    const { logBytes } = await jobs.getJob({ id });
    const parts: Uint8Array[] = [];
    for await (const { data } of jobs.getLogs({ id, stream: LogStream.STDERR })) {
      parts.push(data);
    }
    const report = Buffer.concat(parts);
    return reportFrom(report.toString(), Number(logBytes) - report.length);
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

export class PacedCats implements PacedSide {
  readonly name = 'cat';
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  async run(count: number, linesPerSecond: number): Promise<Paced> {
    const begin = beginOf(count);
    const command = [this.#program, ...argumentsOf(begin, linesPerSecond)].join(' ');
    const files = Array.from({ length: count }, (_, number) => `${this.#program}.${number}`);
    // As nice as a job is.
    const pipes = files.map((file) =>
      spawn('nice', ['-n', '10', 'sh', '-c', `${command} | cat >${file}`], {
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    );
    refuseLate(begin);
    const texts = await Promise.all(pipes.map((pipe) => text(pipe.stderr)));
    const reports = files.map((file, number) => reportFrom(texts[number] ?? '', statSync(file).size));
    for (const file of files) {
      rmSync(file);
    }
    return together(reports);
  }
}

interface Report {
  readonly written: number;
  readonly refused: number;
  readonly lateMs: number;
}

/** @param bytes that have come where they should */
function reportFrom(report: string, bytes: number): Report {
  const [written = 0, refused = 0, lateMs = 0] = report.trim().split(' ').map(Number);
  if (written === 0 || bytes !== written * LINE) {
    throw new Error(`${bytes} bytes are there of ${written} lines: ${report}`);
  }
  return { written, refused, lateMs };
}

function together(reports: readonly Report[]): Paced {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    written: sum(reports.map(({ written }) => written)),
    refused: sum(reports.map(({ refused }) => refused)),
    lateMs: Math.max(...reports.map(({ lateMs }) => lateMs)),
    tookMs: SECONDS * 1000,
  };
}

/** Milliseconds since the epoch. What the turn before has written must not be on its way to the disk then. */
function beginOf(count: number): number {
  execFileSync('sync');
  return Date.now() + GATHERING_MS + count * GATHERING_MS_EACH;
}

function argumentsOf(begin: number, linesPerSecond: number): string[] {
  return [String(begin), String(linesPerSecond), String(SECONDS)];
}

function refuseLate(begin: number): void {
  if (Date.now() > begin) {
    throw new Error(`the writers were not there in time: ${Date.now() - begin} ms late`);
  }
}
