/** What the default filter costs a real piece of work: processor time of building C in a job, at level 2 against level 0. */
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { JobSpecSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { Connection } from './connection.ts';
import { alternating, describe, type Measurement, median } from './measurement.ts';

const PAIRS = 20;
const BAR = 1.01;
const SOURCES = join(import.meta.dirname, '../../native-helper/executor');
/** Compilers and assemblers, a process each, as make starts them; bash says to a millisecond what all of them took. */
const BUILD = `
  cd /tmp && TIMEFORMAT='%U %S'
  time for file in start text record pipe plan session; do
    gcc -std=gnu17 -c /src/$file.c || exit
  done`;

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  using connection = new Connection(helper.root);
  await connection.watchEnds();
  const values = await alternating(
    PAIRS,
    () => buildAt(2, connection),
    () => buildAt(0, connection),
  );
  process.stdout.write(
    `${describe('level 2', values.ours, 's')}\n${describe('level 0', values.peer, 's')}\n`,
  );
  const [figure, peer] = [median(values.ours), median(values.peer)];
  return {
    name: 'seccomp-build',
    figure,
    unit: 's',
    against: 'the same build at level 0',
    peer,
    ratio: figure / peer,
    bar: `<= ${BAR}`,
    ok: figure <= BAR * peer,
  };
}

/** @returns seconds of processor time */
async function buildAt(seccompLevel: number, connection: Connection): Promise<number> {
  const spec = create(JobSpecSchema, {
    command: 'bash',
    args: ['-c', BUILD],
    seccompLevel,
    mounts: [{ source: SOURCES, target: '/src', readOnly: true }],
  });
  const { uuid: id } = await connection.jobs.runJob({ spec });
  await connection.ended(id);
  let output = '';
  for await (const { data } of connection.jobs.getLogs({ id })) {
    output += Buffer.from(data).toString();
  }
  const [user, system] = output.trim().split(' ').map(Number);
  if (user === undefined || system === undefined || !(user + system > 0)) {
    throw new Error(`a build at level ${seccompLevel} said, instead of its times: ${output}`);
  }
  return user + system;
}
