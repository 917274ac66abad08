/** The log that searches are measured on. */
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import type { RunningHelper } from '../fixtures/running-helper.ts';
import { Connection } from './connection.ts';
import { alternating, describe, type Measurement, median, timed } from './measurement.ts';

const LOG_BYTES = 2 ** 30;
const PAIRS = 9;
const BAR = 0.7;
/** In one line of a hundred thousand. */
export const TEXT = '77777 ';

/** Of a job that has printed it all. */
export async function folderOfPrintedLog(helper: RunningHelper): Promise<{ uuid: string; folder: string }> {
  using connection = new Connection(helper.root);
  await connection.watchEnds();
  const lines = `seq -f '%.0f a line of the log, as long as lines of logs are' 99999999 | head -c ${LOG_BYTES}`;
  const { uuid } = await connection.submit('sh', '-c', lines);
  await connection.ended(uuid);
  return { uuid, folder: jobDirectoryOf(pathsUnder(helper.root), uuid) };
}

/** @param count prints how many lines there are. */
export function countedBy(count: () => Buffer): number {
  return Number(count().toString());
}

export interface SearchBenchmark {
  readonly name: string;
  readonly helper: RunningHelper;
  readonly uuid: string;
  readonly against: string;
  /** @returns how many lines it found. */
  readonly peer: () => number;
}

export async function measureSearch({
  name,
  helper,
  uuid,
  against,
  peer: search,
}: SearchBenchmark): Promise<Measurement> {
  using connection = new Connection(helper.root);
  const wanted = search();
  const { ours, peer } = await alternating(
    PAIRS,
    () => timed(() => searchLog(connection, uuid, wanted)),
    () => timed(async () => void search()),
  );
  process.stdout.write(`${describe('search', ours, 'ms')}\n${describe(against, peer, 'ms')}\n`);
  const [figure, least] = [median(ours), median(peer)];
  const ratio = least / figure;
  return { name, figure, unit: 'ms', against, peer: least, ratio, bar: `>= ${BAR}`, ok: ratio >= BAR };
}

async function searchLog(connection: Connection, id: string, wanted: number): Promise<void> {
  let found = 0;
  for await (const { lineBytes } of connection.jobs.getLogs({ id, pattern: { text: TEXT, fixed: true } })) {
    found += lineBytes.length;
  }
  // A line that lies in two records comes in two parts.
  if (found < wanted) {
    throw new Error(`${found} of ${wanted} lines came`);
  }
}
