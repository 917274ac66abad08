/** A search for a fixed text in a warm log of a job that has ended, against grep(1) on the same file. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { RunningHelper } from '../fixtures/running-helper.ts';
import type { Measurement } from './measurement.ts';
import { countedBy, folderOfPrintedLog, measureSearch, TEXT } from './searched-log.ts';

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  await helper.configure(['logs', 'compress'], false);
  const { uuid, folder } = await folderOfPrintedLog(helper);
  const log = join(folder, 'log');
  return await measureSearch({
    name: 'log-search',
    helper,
    uuid,
    against: 'grep -c with LC_ALL=C',
    peer: () => countedBy(() => execFileSync('grep', ['-c', TEXT, log], { env: { LC_ALL: 'C' } })),
  });
}
