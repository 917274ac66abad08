/** The helper is killed at random instants, on its way up too, while jobs of every kind start, run, flood, wait and end. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Random } from '../fixtures/random.ts';
import type { RunningHelper } from '../fixtures/running-helper.ts';
import type { Places } from '../leakcheck/census.ts';
import { cgroupOf, JOBS_UID, startConfigured } from '../leakcheck/configured-helper.ts';
import { calmCensus, settle } from '../leakcheck/settled.ts';
import { Load } from './load.ts';
import { seeded } from './seeded.ts';
import { sized, within } from './size.ts';

const KILLS = sized(200);
const JOBS_AT_ONCE = 12;
/** So few that most jobs have to wait for a place. */
const STARTS_AT_ONCE = 2;
/** Half of them are killed while they still take up what the one before has left. */
const LONGEST_LIVES_MS = [300, 3000];
const LONGEST_ABSENCE_MS = 400;
/** A helper takes about so long until it answers. */
const LONGEST_START_MS = 400;
const KILL_ON_ITS_WAY_UP_PROBABILITY = 0.25;

let helper: RunningHelper;
let cgroup: string;

beforeAll(async () => {
  helper = await startConfigured({ concurrent_starts: STARTS_AT_ONCE });
  cgroup = await cgroupOf(helper);
});
afterAll(() => helper?.[Symbol.asyncDispose]());

const places = (): Places => ({ root: helper.root, cgroup, helperPid: helper.pid, jobsUid: JOBS_UID });

seeded(`${KILLS} kills of the helper`, within(900_000), async (random) => {
  await runLoad(random, 0);
  const before = await calmCensus(places);
  await runLoad(random, KILLS);
  expect(await settle(before, places, (leaks) => leaks.length === 0)).toEqual([]);
});

/** With no kills it is what a helper once needs and keeps. */
async function runLoad(random: Random, kills: number): Promise<void> {
  const client = await helper.connect();
  const load = new Load({ client, root: helper.root, random, atOnce: JOBS_AT_ONCE });
  try {
    for (let killed = 0; killed < kills && load.faults.length === 0; ) {
      await delay(random.below(random.choose(LONGEST_LIVES_MS)));
      await helper.kill();
      await delay(random.below(LONGEST_ABSENCE_MS));
      killed += 1 + (await startAgain(random));
      await load.compareAll();
    }
    await load.close();
    await load.compareAll();
    expect(load.faults).toEqual([]);
    process.stdout.write(`${load.jobs} jobs, ${kills} kills of the helper\n`);
    await client.jobs.deleteAllJobs({});
  } finally {
    load.stop();
    client.close();
  }
}

/** @returns how often it was killed before it could answer. */
async function startAgain(random: Random): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    const answers = helper.startAgain();
    if (!random.chance(KILL_ON_ITS_WAY_UP_PROBABILITY)) {
      await answers;
      return kills;
    }
    const isKilled = answers.then(
      () => false,
      () => true,
    );
    await delay(random.below(LONGEST_START_MS));
    await helper.kill();
    await isKilled;
  }
}
