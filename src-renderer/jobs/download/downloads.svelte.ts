/** The downloads of this window: they go on while other pages are looked at. */
import { SvelteMap } from 'svelte/reactivity';
import type { Failure, StreamItem } from '../../../src-main/ipc/contract.ts';
import { RequestFailed, stream } from '../../ipc/client.ts';

type Item = StreamItem<'download'>;
export type Progress = Extract<Item, { kind: 'progress' }>;
type Done = Extract<Item, { kind: 'done' }>;

export class Download {
  progress = $state.raw<Progress>();
  done = $state.raw<Done>();
  failure = $state.raw<Failure>();
  isStopped = $state(false);
  /** Bytes a second since it began, without what was there already. */
  speed = $state(0);
  readonly #stopping = new AbortController();

  get isUnderWay(): boolean {
    return this.done === undefined && this.failure === undefined && !this.isStopped;
  }

  stop(): void {
    this.isStopped = true;
    this.#stopping.abort();
  }

  /** @returns whether there is something to tell of */
  async run(uuid: string, again: boolean): Promise<boolean> {
    let began: { readonly atMs: number; readonly bytes: number } | undefined;
    try {
      for await (const item of stream('download', { uuid, again }, this.#stopping.signal)) {
        if (item.kind === 'unwanted') {
          return false;
        }
        if (item.kind === 'done') {
          this.done = item;
          return true;
        }
        this.progress = item;
        if (item.totalBytes > 0) {
          began ??= { atMs: performance.now(), bytes: item.doneBytes };
          this.speed = ((item.doneBytes - began.bytes) * 1000) / Math.max(1, performance.now() - began.atMs);
        }
      }
    } catch (error) {
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      this.failure = error.failure;
    }
    return true;
  }
}

class Downloads {
  readonly #all = new SvelteMap<string, Download>();

  of(uuid: string): Download | undefined {
    return this.#all.get(uuid);
  }

  async start(uuid: string, again: boolean): Promise<void> {
    const download = new Download();
    this.#all.set(uuid, download);
    const isTold = await download.run(uuid, again);
    if (!isTold && this.#all.get(uuid) === download) {
      this.#all.delete(uuid);
    }
  }

  dismiss(uuid: string): void {
    this.#all.get(uuid)?.stop();
    this.#all.delete(uuid);
  }
}

export const downloads = new Downloads();
