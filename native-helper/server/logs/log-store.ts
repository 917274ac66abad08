/** The logs that somebody reads or changes at this moment: each is open once. */
import type { LogIndex } from './log-index.ts';
import { LogBytes, StoredLog } from './stored-log.ts';

/** A log for one reader. */
export interface OpenLog extends AsyncDisposable {
  readonly bytes: LogBytes;
  readonly index: LogIndex;
}

interface Shared {
  readonly log: Promise<StoredLog | undefined>;
  users: number;
}

export class LogStore {
  readonly #open = new Map<string, Shared>();

  /**
   * @param folder of the job.
   * @returns undefined while there is no log.
   * @throws JobletError when its frames are damaged.
   */
  async open(folder: string): Promise<OpenLog | undefined> {
    const shared = await this.share(folder);
    return (
      shared && {
        bytes: new LogBytes(shared.log),
        index: shared.log.index,
        [Symbol.asyncDispose]: () => shared[Symbol.asyncDispose](),
      }
    );
  }

  /** As `open`, for who changes it. */
  async share(folder: string): Promise<({ readonly log: StoredLog } & AsyncDisposable) | undefined> {
    const shared = this.#open.get(folder) ?? { log: StoredLog.open(folder), users: 0 };
    this.#open.set(folder, shared);
    shared.users += 1;
    const leave = async () => {
      shared.users -= 1;
      if (shared.users === 0) {
        this.#open.delete(folder);
        await (await shared.log)?.[Symbol.asyncDispose]();
      }
    };
    try {
      const log = await shared.log;
      if (log !== undefined) {
        return { log, [Symbol.asyncDispose]: leave };
      }
    } catch (error) {
      await leave().catch(() => undefined);
      throw error;
    }
    await leave();
    return undefined;
  }
}
