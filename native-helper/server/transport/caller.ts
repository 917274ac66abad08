/** Who calls: known from the connection, kept apart from what a request says. */
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Caller } from '../mounts/caller.ts';

/** The peer, whose uid its certificate was made for too. */
export const callerKey = createContextKey<Caller | undefined>(undefined, { description: 'the caller' });

export function callerOf(context: HandlerContext): Caller {
  const caller = context.values.get(callerKey);
  if (caller === undefined) {
    throw new Error('a call came in without a caller');
  }
  return caller;
}
