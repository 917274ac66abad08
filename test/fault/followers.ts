/** Readers of a log while it is written, which must get each byte once, whatever happens to the helper meanwhile. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Client } from '../../src-main/client/index.ts';
import { JOBLET } from '../fixtures/dist.ts';
import { patiently } from '../fixtures/patiently.ts';

/** Far longer than any job that is followed: on a busy machine most of it is waiting for the next helper. */
const PATIENCE_MS = 150_000;

export interface Followed {
  /** Of all that came, in the order in which it came. */
  readonly sha256: string;
  readonly faults: readonly string[];
}

/**
 * Follows the log of a job to its end. Who follows gives up when there is no helper for half a minute, or none to begin with, as on a
 * busy machine may be: then it is asked to go on with the next byte.
 */
export type Follower = (id: string) => Promise<Followed>;

export function followByClient(client: Client): Follower {
  return async (id) => {
    const hash = createHash('sha256');
    const faults: string[] = [];
    let next = 0n;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    await patiently(async () => {
      const request = { id, offset: next, signal };
      for await (const { offset, data } of client.followLogs(request)) {
        if (offset !== next) {
          faults.push(`a follower got byte ${offset} instead of byte ${next}`);
        }
        next = offset + BigInt(data.length);
        hash.update(data);
      }
    });
    return { sha256: hash.digest('hex'), faults };
  };
}

/** By `joblet job log --follow`. */
export function followByCommand(root: string): Follower {
  return async (id) => {
    const hash = createHash('sha256');
    const deadline = Date.now() + PATIENCE_MS;
    let next = 0;
    for (;;) {
      const child = spawn(JOBLET, ['--root', root, 'job', 'log', '--follow', '--offset', String(next), id], {
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: PATIENCE_MS,
      });
      child.stdout.on('data', (data) => {
        hash.update(data);
        next += data.length;
      });
      const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      if (code === 0 || !/^joblet: transport: /m.test(errors) || Date.now() > deadline) {
        const faults = code === 0 ? [] : [`joblet job log --follow ended with ${code}: ${errors}`];
        return { sha256: hash.digest('hex'), faults };
      }
    }
  };
}
