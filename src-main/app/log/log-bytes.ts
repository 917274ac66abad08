/** A job's log as it stands now, across restarts of the helper. */
import { isInterruption } from '../../client/index.ts';
import type { StreamPayload } from '../../ipc/contract.ts';
import type { Link } from '../link.ts';
import { LOG_STREAMS } from './log-streams.ts';

/** Of a job that runs, what it has written until now. */
export async function* logBytes(
  link: Link,
  uuid: string,
  stream: StreamPayload<'log'>['stream'],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let offset = 0n;
  for (;;) {
    const client = await link.connected(signal);
    try {
      const request = { id: uuid, offset, stream: LOG_STREAMS[stream], follow: false };
      for await (const chunk of client.jobs.getLogs(request, { signal })) {
        offset = chunk.offset + BigInt(chunk.data.length);
        yield chunk.data;
      }
      return;
    } catch (error) {
      if (signal.aborted || !isInterruption(error)) {
        throw error;
      }
      await link.afterLossOf(client, signal);
    }
  }
}
