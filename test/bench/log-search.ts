/** A search for a fixed text in a warm log of a job that has ended, against grep(1) on the same file. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { Connection } from './connection.ts';
import { alternating, describe, type Measurement, median, timed } from './measurement.ts';

const LOG_BYTES = 2 ** 30;
const PAIRS = 9;
const BAR = 0.7;
/** One line in a hundred thousand. */
const TEXT = '77777 ';

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  using connection = new Connection(helper.root);
  await connection.watchEnds();
  const lines = `seq -f '%.0f a line of the log, as long as lines of logs are' 99999999 | head -c ${LOG_BYTES}`;
  const { uuid } = await connection.submit('sh', '-c', lines);
  await connection.ended(uuid);
  const log = join(jobDirectoryOf(pathsUnder(helper.root), uuid), 'log');
  const wanted = countByGrep(log);
  const { ours, peer } = await alternating(
    PAIRS,
    () => timed(() => search(connection, uuid, wanted)),
    () => timed(async () => void countByGrep(log)),
  );
  process.stdout.write(`${describe('search', ours, 'ms')}\n${describe('grep -c', peer, 'ms')}\n`);
  const [figure, least] = [median(ours), median(peer)];
  return {
    name: 'log-search',
    figure,
    unit: 'ms',
    against: 'grep -c with LC_ALL=C',
    peer: least,
    ratio: least / figure,
    bar: `>= ${BAR}`,
    ok: least / figure >= BAR,
  };
}

function countByGrep(log: string): number {
  return Number(execFileSync('grep', ['-c', TEXT, log], { env: { LC_ALL: 'C' }, encoding: 'utf8' }));
}

async function search(connection: Connection, id: string, wanted: number): Promise<void> {
  let found = 0;
  for await (const { lineBytes } of connection.jobs.getLogs({ id, pattern: { text: TEXT, fixed: true } })) {
    found += lineBytes.length;
  }
  // A line that lies in two records comes in two parts.
  if (found < wanted) {
    throw new Error(`${found} of ${wanted} lines came`);
  }
}
