/** Who calls: known from the connection, kept apart from what a request says. */
import { createContextKey, type HandlerContext } from '@connectrpc/connect';

/** The uid of the peer, which its certificate was made for too. */
export const callerUid = createContextKey<number | undefined>(undefined, {
  description: 'uid of the caller',
});

export function callerOf(context: HandlerContext): number {
  const uid = context.values.get(callerUid);
  if (uid === undefined) {
    throw new Error('a call came in without a caller');
  }
  return uid;
}
