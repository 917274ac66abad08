/** A small file of JSON in the app's data folder: checked when it is read, whole at any moment, its user's alone. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type * as z from 'zod';
import { causeOf, JobletError } from '../../native-helper/api/errors.ts';

/** Far more than any of the app's files holds; a larger one is not ours. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What of a file could not be used. It stands under another name now, and nothing is lost. */
export interface Damage {
  readonly path: string;
  readonly keptAs: string;
  readonly reason: string;
}

export class DataFile<Value> {
  readonly path: string;
  readonly #schema: z.ZodType<Value>;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(path: string, schema: z.ZodType<Value>) {
    this.path = path;
    this.#schema = schema;
  }

  /**
   * @param onDamage told when the file is there and can't be used; it is renamed, so that nothing overwrites it.
   * @returns undefined when there is no file that can be used.
   */
  async read(onDamage: (damage: Damage) => void): Promise<Value | undefined> {
    try {
      const text = await readBounded(this.path);
      return this.#schema.parse(JSON.parse(text));
    } catch (error) {
      const reason = causeOf(error);
      if (reason === 'ENOENT') {
        return undefined;
      }
      onDamage({ path: this.path, reason, keptAs: await this.#setAside() });
      return undefined;
    }
  }

  /** In the order of the calls: the last one's value stays. @throws JobletError (unavailable); the file is as it was then. */
  write(value: Value): Promise<void> {
    const write = this.#lastWrite.then(() => this.#replace(`${JSON.stringify(value, null, 2)}\n`));
    this.#lastWrite = write.catch(() => {});
    return write;
  }

  async #replace(text: string): Promise<void> {
    const draft = join(dirname(this.path), `.${randomUUID()}.draft`);
    try {
      await mkdir(dirname(this.path), { recursive: true });
      await writeDurably(draft, text);
      await rename(draft, this.path);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      throw new JobletError(
        'unavailable',
        {
          layer: 'settings',
          operation: 'write',
          object: this.path,
          reason: causeOf(error),
          mend: 'See that the folder can be written and its disk is not full.',
        },
        { cause: error },
      );
    }
  }

  async #setAside(): Promise<string> {
    const keptAs = `${this.path}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
    await rename(this.path, keptAs);
    return keptAs;
  }
}

async function readBounded(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  if (size > MAX_BYTES) {
    throw new Error(`is larger than ${MAX_BYTES} bytes`);
  }
  return file.readFile('utf8');
}

/** A name that a crash leaves must never lead to a file without content, so the content is on the disk before it. */
async function writeDurably(path: string, text: string): Promise<void> {
  await using file: FileHandle = await open(path, 'wx', 0o600);
  await file.writeFile(text);
  await file.sync();
}
