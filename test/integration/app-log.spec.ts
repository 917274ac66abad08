/** Parts of a log and searches in it, as the app asks for them, against a plain look at the same log. */

import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobSpecSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { Link } from '../../src-main/app/link.ts';
import { readMatchingLines } from '../../src-main/app/log/log-matching-lines.ts';
import { findTimeInLog, readLogPart } from '../../src-main/app/log/log-parts.ts';
import { countMatches, streamSearch } from '../../src-main/app/log/log-search.ts';
import type { LogMatches, LogPiece } from '../../src-main/ipc/contract.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const NEVER = new AbortController().signal;
const NUMBERS = 200_000;
const LOG = Array.from({ length: NUMBERS }, (_, index) => `${index + 1}\n`).join('');
const pattern = { text: '77', fixed: true, ignoreCase: false };

let helper: RunningHelper;
let link: Link;
let uuid: string;
const search = () => ({ uuid, stream: 'both', pattern }) as const;

beforeAll(async () => {
  helper = await RunningHelper.start();
  link = new Link({
    root: helper.root,
    buildId: '',
    installCommand: async () => '',
    startHelper: async () => {},
  });
  const client = await link.connected(AbortSignal.timeout(30_000));
  uuid = await ran(`seq ${NUMBERS}`);
  for await (const { job } of client.watch([uuid], AbortSignal.timeout(30_000))) {
    if ((job?.endedUs ?? 0n) > 0n) {
      break;
    }
  }
}, 60_000);
afterAll(async () => {
  link[Symbol.dispose]();
  await helper[Symbol.asyncDispose]();
});

async function ran(words: string): Promise<string> {
  const spec = create(JobSpecSchema, { name: 'log', command: 'sh', args: ['-c', words] });
  const client = await link.connected(NEVER);
  return (await client.jobs.runJob({ spec })).uuid;
}

const textOf = (pieces: readonly LogPiece[]) => Buffer.concat(pieces.map(({ data }) => data)).toString();
/** Where each line that matches begins, and the line. */
const matching = [...LOG.matchAll(/^.*77.*\n/gm)].map(({ 0: line, index }) => ({ line, index }));

describe('a part of a log', () => {
  it.each([
    ['the first bytes from an offset', { from: 1000, to: null, edge: 'first', bytes: 500 }, 1000, 1500],
    ['the last bytes before an offset', { from: 0, to: 1000, edge: 'last', bytes: 300 }, 700, 1000],
    [
      'the last bytes of the log',
      { from: 0, to: null, edge: 'last', bytes: 100_000 },
      LOG.length - 100_000,
      LOG.length,
    ],
    ['nothing', { from: 10, to: 10, edge: 'first', bytes: 5 }, 0, 0],
  ] as const)('is %s', async (_what, part, from, to) => {
    const { pieces, logBytes } = await readLogPart(link, { uuid, stream: 'both', ...part }, NEVER);
    expect(textOf(pieces)).toBe(LOG.slice(from, to));
    expect(logBytes).toBe(from === to ? 0 : LOG.length);
  });

  it('says whether there is more of it', async () => {
    const read = (bytes: number) =>
      readLogPart(link, { uuid, stream: 'both', from: 100, to: 200, edge: 'first', bytes }, NEVER);
    expect((await read(100)).isAll).toBe(false);
    expect((await read(101)).isAll).toBe(true);
  });

  it('begins at a time', async () => {
    const at = (timeUs: number) => findTimeInLog(link, { uuid, stream: 'both', timeUs }, NEVER);
    expect(await at(1)).toEqual({ offset: 0 });
    expect(await at(Date.now() * 1000 + 1e9)).toEqual({ offset: null });
  });
});

describe('a search', () => {
  it('counts all lines, and knows of each part of the log its first and last', async () => {
    let told: LogMatches | undefined;
    for await (const matches of streamSearch(link, search(), NEVER)) {
      told = matches;
    }
    const { total, bucketBytes, firsts, counts, isOver, searchedBytes } = told as LogMatches;
    expect({ total, isOver, searchedBytes }).toEqual({
      total: matching.length,
      isOver: true,
      searchedBytes: LOG.length,
    });
    const parts = Map.groupBy(matching, ({ index }) => Math.floor(index / bucketBytes));
    expect([...counts]).toEqual(Array.from(counts, (_, bucket) => parts.get(bucket)?.length ?? 0));
    expect([...parts].every(([bucket, [first]]) => firsts[bucket] === first?.index)).toBe(true);
  });

  it('finds again what it has found, in a part', async () => {
    const from = matching[10]?.index as number;
    const to = matching[700]?.index as number;
    const { count, places, last } = await countMatches(link, { ...search(), from, to }, NEVER);
    expect(count).toBe(690);
    expect(places).toEqual(matching.slice(10, 510).map(({ index }) => index));
    expect(last).toBe(matching[699]?.index);
  });

  it.each([
    ['first', 0, 5],
    ['last', 15, 20],
  ] as const)('gives the %s lines of ranges', async (edge, begin, end) => {
    const place = (at: number) => matching[at]?.index as number;
    const ranges = [
      { from: place(0), to: place(9), last: place(9) },
      { from: place(10), to: place(20), last: null },
    ];
    const { pieces, isAll } = await readMatchingLines(link, { ...search(), ranges, edge, lines: 5 }, NEVER);
    const wanted = matching
      .slice(begin, end)
      .map(({ line }) => line)
      .join('');
    const got = textOf(pieces);
    expect(edge === 'first' ? got.startsWith(wanted) : got.endsWith(wanted)).toBe(true);
    expect(isAll).toBe(false);
  });

  it('says what is wrong with a pattern', async () => {
    const wrong = { ...search(), pattern: { ...pattern, text: '(', fixed: false } };
    const searching = (async () => {
      for await (const { isOver } of streamSearch(link, wrong, NEVER)) {
        expect(isOver).toBe(false);
      }
    })();
    await expect(searching).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('goes on counting while the job writes, and begins anew when the helper was away', async () => {
    const live = await ran('n=0; while [ $n -lt 60 ]; do n=$((n+1)); echo "line $n 77"; sleep 0.1; done');
    const totals: number[] = [];
    let isKilled = false;
    for await (const { total, isOver } of streamSearch(link, { ...search(), uuid: live }, NEVER)) {
      totals.push(total);
      if (total > 5 && !isKilled) {
        isKilled = true;
        await helper.kill();
        await helper.startAgain();
      }
      expect(isOver ? total : 60).toBe(60);
    }
    expect(totals.length).toBeGreaterThan(5);
  }, 60_000);
});
