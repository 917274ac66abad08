/** The way of a command to the helper. */
import { type Client, connect } from '../client/index.ts';
import type { Invocation } from './cli.ts';

export type { Client };

/**
 * Does `use` with a client of the helper that the globals name, and lets go of it after.
 *
 * @throws JobletError when there is no usable configuration, or whatever `use` throws
 */
export async function withClient<Result>(
  { globals }: Pick<Invocation<never>, 'globals'>,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = await connect(globals);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
