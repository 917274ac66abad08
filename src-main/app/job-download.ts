/** A job's files into a folder that the person chooses: the window never names one, and is told how far it is. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { download, type LeftOut } from '../client/download.ts';
import type { StreamItem, StreamPayload } from '../ipc/contract.ts';
import type { Desktop } from './desktop.ts';
import type { Link } from './link.ts';
import { folderNameOf } from './log/save-log.ts';
import { Observable } from './observable.ts';

type Item = StreamItem<'download'>;
type Progress = Extract<Item, { kind: 'progress' }>;

const TOLD_EVERY_MS = 100;
/** Of what was left out: the rest is counted. */
const MOST_LEFT_OUT = 100;

export class Downloads {
  readonly #link: Link;
  readonly #desktop: Desktop;
  /** Where each job's files went before. */
  readonly #folders = new Map<string, string>();

  constructor(link: Link, desktop: Desktop) {
    this.#link = link;
    this.#desktop = desktop;
  }

  async *open({ uuid, again }: StreamPayload<'download'>, signal: AbortSignal): AsyncGenerator<Item> {
    const folder = (again && this.#folders.get(uuid)) || (await this.#choose(uuid, signal));
    if (folder === null) {
      yield { kind: 'unwanted' };
      return;
    }
    this.#folders.set(uuid, folder);
    const progress = new Observable<Progress>({ kind: 'progress', doneBytes: 0, totalBytes: 0, files: 0 });
    const over = new AbortController();
    const work = download(folder, {
      files: this.#link.client.files,
      uuid,
      path: new Uint8Array(),
      overwrite: false,
      signal,
      onProgress: (done, total, files) =>
        progress.set({ kind: 'progress', doneBytes: Number(done), totalBytes: Number(total), files }),
    });
    work.catch(() => undefined).finally(() => over.abort());
    try {
      for await (const told of progress.values(over.signal)) {
        yield told;
        await delay(TOLD_EVERY_MS, undefined, { signal: over.signal });
      }
    } catch (error) {
      if (!over.signal.aborted) {
        throw error;
      }
    }
    const { leftOut, ...done } = await work;
    const omitted = leftOut.slice(0, MOST_LEFT_OUT).map(shown);
    yield {
      kind: 'done',
      folder,
      ...done,
      bytes: Number(done.bytes),
      leftOut: omitted,
      allLeftOut: leftOut.length,
    };
  }

  /** A folder of its own in the one that was chosen, so that nothing of another is in its way. */
  async #choose(uuid: string, signal: AbortSignal): Promise<string | null> {
    const { spec } = await this.#link.client.jobs.getJob({ id: uuid }, { signal });
    const chosen = await this.#desktop.askForFolder();
    signal.throwIfAborted();
    return chosen === null ? null : join(chosen, folderNameOf(spec?.name ?? '', uuid));
  }
}

function shown({ path, reason }: LeftOut) {
  return { path: Buffer.from(path).toString(), reason };
}
