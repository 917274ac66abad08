/** How long it takes to see the last lines of a large log that a job has really printed. */
import { execFileSync } from 'node:child_process';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { Connection } from './connection.ts';
import { describe, type Measurement, quantile, timed } from './measurement.ts';

const LOG_BYTES = 10 * 2 ** 30;
const LINES = 100;
const RUNS = 100;
const BAR_MS = 50;

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  using connection = new Connection(helper.root);
  await connection.watchEnds();
  const line = `yes 'a line of the log, as long as lines of logs are: so many bytes' | head -c ${LOG_BYTES}`;
  const { uuid } = await connection.submit('sh', '-c', line);
  await connection.ended(uuid);
  // What is still on its way to the disk is not of the log's reader.
  execFileSync('sync');
  const times: number[] = [];
  for (let time = 0; time < RUNS; time += 1) {
    times.push(await timed(() => readTail(connection, uuid)));
  }
  process.stdout.write(`${describe(`last ${LINES} lines`, times, 'ms')}\n`);
  const figure = quantile(times, 0.9);
  return {
    name: 'log-read',
    figure,
    unit: 'ms',
    against: `bar: p90 of the last ${LINES} lines of 10 GiB`,
    peer: BAR_MS,
    ratio: figure / BAR_MS,
    bar: `<= ${BAR_MS} ms`,
    ok: figure <= BAR_MS,
  };
}

async function readTail(connection: Connection, id: string): Promise<void> {
  let newlines = 0;
  for await (const { data } of connection.jobs.getLogs({ id, tailLines: LINES })) {
    newlines += data.filter((byte) => byte === 0x0a).length;
  }
  // The last line of the log has none.
  if (newlines < LINES - 1 || newlines > LINES) {
    throw new Error(`${newlines} lines came`);
  }
}
