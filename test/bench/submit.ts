/** How long RunJob takes until the job is durable, against a call that does nothing, on the same connection. */
import { RunningHelper } from '../fixtures/running-helper.ts';
import { Connection } from './connection.ts';
import { alternating, describe, type Measurement, median, timed } from './measurement.ts';

const PAIRS = 300;
const BAR = 2.5;

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  using connection = new Connection(helper.root);
  await connection.watchEnds();
  const values = await alternating(
    PAIRS,
    async () => {
      let uuid = '';
      const milliseconds = await timed(async () => {
        uuid = (await connection.submit('/bin/true')).uuid;
      });
      await connection.ended(uuid);
      return milliseconds;
    },
    () => timed(async () => void (await connection.health.check({}))),
  );
  process.stdout.write(
    `${describe('RunJob', values.ours, 'ms')}\n${describe('empty call', values.peer, 'ms')}\n`,
  );
  const [figure, peer] = [median(values.ours), median(values.peer)];
  const ratio = figure / peer;
  const against = 'an empty RPC on the same connection';
  return { name: 'submit', figure, unit: 'ms', against, peer, ratio, bar: `<= ${BAR}`, ok: ratio <= BAR };
}
