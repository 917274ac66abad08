/** A small file of JSON in the app's data folder: checked when it is read, whole at any moment, its user's alone. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { causeOf, JobletError } from '../../native-helper/api/errors.ts';
import * as z from '../../native-helper/api/schema.ts';

/** More than anybody keeps; a page that has gone wrong must not fill the disk, and a larger file is not ours. */
const MAX_BYTES = 16 * 1024 * 1024;

/** What of a file could not be used. Nothing of it is lost. */
export interface Damage {
  readonly path: string;
  /** Its name now; the one that it had where it could not be renamed. */
  readonly keptAs: string;
  readonly reason: string;
}

export class DataFile<Value> {
  readonly path: string;
  readonly #schema: z.ZodMiniType<Value>;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(path: string, schema: z.ZodMiniType<Value>) {
    this.path = path;
    this.#schema = schema;
  }

  /**
   * @param onDamage told when the file is there and can't be used; it is renamed where that is possible, so that nothing
   * overwrites it.
   * @returns undefined when there is no file that can be used.
   */
  async read(onDamage: (damage: Damage) => void): Promise<Value | undefined> {
    try {
      return this.#parse(await readBounded(this.path));
    } catch (error) {
      const reason = causeOf(error);
      if (reason !== 'ENOENT') {
        onDamage({ path: this.path, reason, keptAs: await this.#setAside() });
      }
      return undefined;
    }
  }

  /**
   * In the order of the calls: the last one's value stays.
   *
   * @throws JobletError (unavailable; exhausted when it is too large); the file is as it was then.
   */
  write(value: Value): Promise<void> {
    const write = this.#lastWrite.then(() => this.#replace(`${JSON.stringify(value, null, 2)}\n`));
    this.#lastWrite = write.catch(() => {});
    return write;
  }

  #parse(text: string): Value {
    const result = this.#schema.safeParse(JSON.parse(text));
    if (!result.success) {
      throw new Error(z.prettifyError(result.error));
    }
    return result.data;
  }

  async #replace(text: string): Promise<void> {
    if (Buffer.byteLength(text) > MAX_BYTES) {
      throw tooLarge(this.path);
    }
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
    return rename(this.path, keptAs).then(
      () => keptAs,
      () => this.path,
    );
  }
}

async function readBounded(path: string): Promise<string> {
  // A named pipe would be waited for.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile() || stats.size > MAX_BYTES) {
    throw new Error(stats.isFile() ? `It is larger than ${MAX_BYTES} bytes.` : 'It is not a regular file.');
  }
  return file.readFile('utf8');
}

/** A name that a crash leaves must never lead to a file without content, so the content is on the disk before it. */
async function writeDurably(path: string, text: string): Promise<void> {
  await using file: FileHandle = await open(path, 'wx', 0o600);
  await file.writeFile(text);
  await file.sync();
}

function tooLarge(object: string): JobletError {
  return new JobletError('exhausted', {
    layer: 'settings',
    operation: 'write',
    object,
    reason: `it would be larger than ${MAX_BYTES / 1024 / 1024} MB`,
    mend: 'Delete some of it that you no longer use.',
  });
}
