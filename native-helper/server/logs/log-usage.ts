/** What logs take of the disk. */
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { causeOf } from '../../api/errors.ts';

const BLOCK_BYTES = 512;
const FILES = ['log', 'log.index', 'log.zst', 'log.frames'];
/** As many as libuv has threads: more would only wait. */
const AT_ONCE = 4;

export interface LogUsage {
  /** What the file system has given them. */
  readonly diskBytes: number;
  /** What was printed, whether it is still there or not. */
  readonly printedBytes: number;
}

/** @param folder of the job; all is 0 where there is no log. */
export async function logUsageOf(folder: string): Promise<LogUsage> {
  const [log, ...others] = await Promise.all(FILES.map((name) => statOf(join(folder, name))));
  const blocks = [log, ...others].reduce((sum, each) => sum + (each?.blocks ?? 0), 0);
  return { diskBytes: blocks * BLOCK_BYTES, printedBytes: log?.size ?? 0 };
}

/** @returns by the name of each folder there. */
export async function logUsageIn(folders: string): Promise<Map<string, LogUsage>> {
  const names = await readdir(folders);
  const usage = new Map<string, LogUsage>();
  const next = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      usage.set(name, await logUsageOf(join(folders, name)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return usage;
}

export function totalOf(usage: Iterable<LogUsage>): LogUsage {
  let [diskBytes, printedBytes] = [0, 0];
  for (const each of usage) {
    diskBytes += each.diskBytes;
    printedBytes += each.printedBytes;
  }
  return { diskBytes, printedBytes };
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (causeOf(error) === 'ENOENT' || causeOf(error) === 'ENOTDIR') {
      return undefined;
    }
    throw error;
  }
}
