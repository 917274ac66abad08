/** Readers of a log while it is written, which must get each byte once, whatever happens to the helper meanwhile. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Client } from '../../src-main/client/index.ts';
import { JOBLET } from '../fixtures/dist.ts';

export interface Followed {
  /** Of all that came, in the order in which it came. */
  readonly sha256: string;
  readonly faults: readonly string[];
}

/** Follows the log of a job to its end. */
export type Follower = (id: string) => Promise<Followed>;

export function followByClient(client: Client): Follower {
  return async (id) => {
    const hash = createHash('sha256');
    const faults: string[] = [];
    let next = 0n;
    for await (const { offset, data } of client.followLogs({ id, signal: new AbortController().signal })) {
      if (offset !== next) {
        faults.push(`a follower got byte ${offset} instead of byte ${next}`);
      }
      next = offset + BigInt(data.length);
      hash.update(data);
    }
    return { sha256: hash.digest('hex'), faults };
  };
}

/** Of `joblet job log --follow`, which looks for the job before it follows: without a helper then, it says so and ends. */
export function followByCommand(root: string): Follower {
  return async (id) => {
    for (;;) {
      const child = spawn(JOBLET, ['--root', root, 'job', 'log', '--follow', id], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const hash = createHash('sha256');
      let length = 0;
      child.stdout.on('data', (data) => {
        hash.update(data);
        length += data.length;
      });
      const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      if (code === 0 || length > 0 || !errors.startsWith('joblet: transport: ')) {
        const faults = code === 0 ? [] : [`joblet job log --follow ended with ${code}: ${errors}`];
        return { sha256: hash.digest('hex'), faults };
      }
    }
  };
}
