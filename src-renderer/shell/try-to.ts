import { RequestFailed } from '../ipc/client.ts';
import { toasts } from '../ui/toasts.svelte.ts';

/**
 * Does what was asked for by a button or a key; what the main process could not do is told in a toast.
 *
 * @param done told when it worked; absent: what happened is to be seen anyway
 * @returns undefined when it did not work
 */
export async function tryTo<T>(
  failed: string,
  work: () => Promise<T>,
  done?: string,
): Promise<T | undefined> {
  try {
    const result = await work();
    if (done !== undefined) {
      toasts.tell(done);
    }
    return result;
  } catch (error) {
    if (!(error instanceof RequestFailed)) {
      throw error;
    }
    toasts.fail(failed, error.failure);
    return undefined;
  }
}
