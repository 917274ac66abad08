import { closeSync, openSync } from 'node:fs';
import { causeOf, JobletError } from '../../api/errors.ts';
import type { Slot } from './plan.ts';

/** docs/monitor-protocol.md: the monitor's lower descriptors have tasks of their own. */
const FIRST_SLOT = 10;

/** open(2); Node exports no constant for it. The same number on x86-64 and arm64. */
const O_PATH = 0o10000000;

export interface Source {
  /** Here, in the helper. */
  readonly fd: number;
  /** Where it was opened: for the manifest and for people, never opened again on a job's behalf. */
  readonly path: string;
}

/**
 * Opens what a mount will show. O_PATH gives no access to the content and needs no right to it; it pins the object,
 * so that nothing put in its place later can reach a job.
 */
export function openSource(path: string): Source {
  try {
    return { fd: openSync(path, O_PATH), path };
  } catch (error) {
    throw new JobletError(
      'refused',
      { layer: 'mount', operation: 'open', object: path, reason: causeOf(error), mend: '' },
      { cause: error },
    );
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** Like openSource, for what not every distribution has. */
export function openSourceIfPresent(path: string): Source | undefined {
  try {
    return { fd: openSync(path, O_PATH), path };
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

export function closeSource(source: Source): void {
  closeSync(source.fd);
}

/**
 * The sources of one plan: slot → open file. Those opened for this job alone are closed with it; those that the helper
 * holds for all jobs stay open. Close it when the monitor has been started.
 */
export class PlanSources implements Disposable {
  readonly #sources = new Map<Slot, Source>();
  readonly #own: Source[] = [];

  get bySlot(): ReadonlyMap<Slot, Source> {
    return this.#sources;
  }

  /** Names a source that outlives this plan. */
  lend(source: Source): Slot {
    const slot = FIRST_SLOT + this.#sources.size;
    this.#sources.set(slot, source);
    return slot;
  }

  /** Names a source and takes it over. */
  take(source: Source): Slot {
    this.#own.push(source);
    return this.lend(source);
  }

  /** For spawnExecutable: the monitor's number → ours. */
  descriptors(): Map<number, number> {
    return new Map([...this.#sources].map(([slot, { fd }]) => [slot, fd]));
  }

  [Symbol.dispose](): void {
    for (const source of this.#own.splice(0)) {
      closeSource(source);
    }
  }
}
