import { type Client, isInterruption } from '../../client/index.ts';
import type { Link } from '../link.ts';

/** Asks again when the helper is back, if it goes away in the middle. */
export async function acrossLosses<Answer>(
  link: Link,
  signal: AbortSignal,
  ask: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    const client = await link.connected(signal);
    try {
      return await ask(client);
    } catch (error) {
      if (signal.aborted || !isInterruption(error)) {
        throw error;
      }
      await link.afterLossOf(client, signal);
    }
  }
}
