/** The whole log as a file: one at a time, and it can be given up. */
import { request } from '../ipc/client.ts';
import { tryTo } from '../shell/try-to.ts';
import { text } from '../text.ts';
import { toasts } from '../ui/toasts.svelte.ts';
import type { Filter } from './log-source.ts';

export class LogSaving {
  readonly #uuid: string;
  #stopping = $state.raw<AbortController | undefined>(undefined);

  constructor(uuid: string) {
    this.#uuid = uuid;
  }

  get isUnderWay(): boolean {
    return this.#stopping !== undefined;
  }

  async save(stream: Filter): Promise<void> {
    const stopping = new AbortController();
    this.#stopping = stopping;
    try {
      const saved = await tryTo(text.terminal.notSaved, () =>
        request('log.save', { uuid: this.#uuid, stream }, stopping.signal),
      );
      if (saved?.path) {
        toasts.tell(text.terminal.saved, saved.path);
      }
    } catch (error) {
      if (!stopping.signal.aborted) {
        throw error;
      }
    } finally {
      this.#stopping = undefined;
    }
  }

  stop(): void {
    this.#stopping?.abort();
  }
}
