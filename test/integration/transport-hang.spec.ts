/** Clients of a helper that hangs, and a helper whose clients go away in the middle. */
import { describe, expect, it } from 'vitest';
import { JobletError } from '../../native-helper/api/errors.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

/** A client waits 10 s for a handshake, and up to 30 s for a helper that answered before. */
const PATIENCE_MS = 60_000;

const faultOf = (error: unknown): JobletError => {
  expect(error).toBeInstanceOf(JobletError);
  return error as JobletError;
};

describe('a helper that is stopped', () => {
  it('is told to whoever asks it anew, and to whoever waits for its answer', {
    timeout: PATIENCE_MS,
  }, async () => {
    await using helper = await RunningHelper.start();
    const before = await helper.connect();
    await before.helper.getStatus({});
    const anew = await helper.connect();
    process.kill(helper.pid, 'SIGSTOP');
    try {
      const [fault, other] = await Promise.all(
        [before, anew].map((client) => client.jobs.runJob({ spec: { command: 'true' } }).catch(faultOf)),
      );
      expect(fault).toMatchObject({ kind: 'unavailable' });
      expect(other).toMatchObject({ kind: 'unavailable', details: { reason: 'the helper does not answer' } });
    } finally {
      process.kill(helper.pid, 'SIGCONT');
      before.close();
      anew.close();
    }
  });
});

describe('a connection', () => {
  it('may be left in the middle of any number of answers', { timeout: PATIENCE_MS }, async () => {
    await using helper = await RunningHelper.start();
    const client = await helper.connect();
    const { uuid } = await client.jobs.runJob({
      spec: { command: 'head', args: ['-c', '5000000', '/dev/zero'] },
    });
    for await (const { job } of client.watch([uuid], AbortSignal.timeout(30_000))) {
      if ((job?.endedUs ?? 0n) > 0n) {
        break;
      }
    }
    // More than the streams that a connection may have at one time.
    for (let round = 0; round < 300; round += 1) {
      for await (const chunk of client.jobs.getLogs({ id: uuid, follow: true })) {
        expect(chunk.data.length).toBeGreaterThan(0);
        break;
      }
    }
    expect((await client.helper.getStatus({})).pid).toBe(helper.pid);
    client.close();
  });
});
