/** Hundreds of connections that stand and are good for nothing: others are served, in bounded memory, until they are shed. */
import { readFileSync } from 'node:fs';
import { connect as connectNet, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientConfigSchema } from '../../native-helper/api/config-schema.ts';
import { parseConfig } from '../../native-helper/api/config-text.ts';
import { clientConfigOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { anonymousBytes } from '../fixtures/process-figures.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { openTls } from '../fixtures/transport.ts';
import { within } from './size.ts';

/** Of any size of the suite: it is about going beyond what the helper takes. */
const CONNECTIONS = 500;
/** All that one connection may have. */
const STREAMS = 256;
/** That of a helper at work; and with all the connections of one uid, or all the streams of one of them, in which OpenSSL and HTTP/2 hold theirs. */
const BAR_BYTES = 64_000_000;
const FULL_BAR_BYTES = 128_000_000;
/** Twice what a handshake may take. */
const SHED_MS = within(15_000);
const ANSWER_MS = within(5000);
const POLL_MS = 100;

let helper: RunningHelper;
beforeAll(async () => {
  helper = await RunningHelper.start();
});
afterAll(() => helper?.[Symbol.asyncDispose]());

/** The head of a record of 512 bytes with a ClientHello, and a few of them (RFC 8446 4.1.2, 5.1). */
const HALF_A_HELLO = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0]);

const saysNothing = () => connectNet(helper.socket);

function saysHalfOfHello(): Socket {
  const socket = connectNet(helper.socket);
  socket.write(HALF_A_HELLO);
  return socket;
}

function finishesTls(): Socket {
  const path = clientConfigOf(pathsUnder(helper.root), 0);
  const { nodes } = parseConfig(readFileSync(path, 'utf8'), clientConfigSchema, path);
  const { ca, cert, key } = Object.values(nodes)[0] as (typeof nodes)[string];
  return openTls(helper.socket, { ca, cert, key });
}

it.each([
  ['say nothing', saysNothing, BAR_BYTES],
  ['say half of a hello', saysHalfOfHello, FULL_BAR_BYTES],
  ['finish TLS and no more', finishesTls, FULL_BAR_BYTES],
] as const)(
  `${CONNECTIONS} connections that %s`,
  { timeout: within(120_000) },
  async (kind, open, barBytes) => {
    const sockets = Array.from({ length: CONNECTIONS }, () =>
      open()
        .on('error', () => {})
        .resume(),
    );
    const deadline = Date.now() + SHED_MS;
    let calls = 0;
    let mostBytes = 0;
    while (sockets.some(({ closed }) => !closed) && Date.now() < deadline) {
      expect(await callAnew()).toBeLessThan(ANSWER_MS);
      calls += 1;
      mostBytes = Math.max(mostBytes, anonymousBytes(helper.pid));
      await delay(POLL_MS);
    }
    process.stdout.write(
      `that ${kind}: ${calls} others served, RssAnon ${(mostBytes / 1e6).toFixed(1)} MB\n`,
    );
    expect(sockets.filter(({ closed }) => !closed)).toHaveLength(0);
    expect(calls).toBeGreaterThan(0);
    expect(mostBytes).toBeLessThan(barBytes);
  },
);

it(`a connection with all its ${STREAMS} streams`, { timeout: within(120_000) }, async () => {
  const client = await helper.connect();
  try {
    const args = ['-c', 'echo line; sleep 600'];
    const { uuid: id } = await client.jobs.runJob({ spec: { command: 'sh', args } });
    let begun = 0;
    const leaving = new AbortController();
    const streams = Array.from({ length: STREAMS - 1 }, async () => {
      for await (const _ of client.jobs.getLogs({ id, follow: true }, { signal: leaving.signal })) {
        begun += 1;
      }
    });
    const ended = Promise.allSettled(streams);
    await expect.poll(() => begun, { timeout: ANSWER_MS }).toBe(STREAMS - 1);
    expect(await callAnew()).toBeLessThan(ANSWER_MS);
    expect(anonymousBytes(helper.pid)).toBeLessThan(FULL_BAR_BYTES);
    leaving.abort();
    await ended;
    await client.jobs.stopJob({ id, graceMs: 0n });
  } finally {
    client.close();
  }
});

/** @returns ms that a new connection and a call took. */
async function callAnew(): Promise<number> {
  const start = performance.now();
  const client = await helper.connect();
  try {
    await client.helper.getStatus({});
    return performance.now() - start;
  } finally {
    client.close();
  }
}
