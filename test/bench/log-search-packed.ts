/** As log-search, of a log that is compressed: against grep(1) behind zstdcat(1). */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RunningHelper } from '../fixtures/running-helper.ts';
import type { Measurement } from './measurement.ts';
import { countedBy, folderOfPrintedLog, measureSearch, TEXT } from './searched-log.ts';

const LOOK_MS = 200;

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  await helper.configure(['logs', 'compress_after_ms'], 0);
  const { uuid, folder } = await folderOfPrintedLog(helper);
  while (statSync(join(folder, 'log')).blocks > 0) {
    await delay(LOOK_MS);
  }
  const line = `zstdcat "$1" | LC_ALL=C grep -c '${TEXT}'`;
  return await measureSearch({
    name: 'log-search-packed',
    helper,
    uuid,
    against: 'zstdcat | grep -c with LC_ALL=C',
    peer: () => countedBy(() => execFileSync('sh', ['-c', line, 'sh', join(folder, 'log.zst')])),
  });
}
