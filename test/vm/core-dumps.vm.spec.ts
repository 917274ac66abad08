/** The host's handler of core dumps is one for the whole machine, so it is set in one that is thrown away. */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runToEnd, type Service, shell, temporaryService } from '../fixtures/job-service.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const CRASH = 'kill -SEGV $$';
/** The kernel waits for the handler's start before the process is gone, but not for what the handler does. */
const HANDLER_PATIENCE_MS = 5000;

let folder: string;
let mark: string;
let service: Service;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-cores-'));
  mark = join(folder, 'called');
  const handler = join(folder, 'handler');
  writeFileSync(handler, `#!/bin/sh\necho called >${mark}\ncat >/dev/null\n`);
  chmodSync(handler, 0o755);
  writeFileSync('/proc/sys/kernel/core_pattern', `|${handler} %p`);
  service = await temporaryService();
}, 60_000);

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  writeFileSync('/proc/sys/kernel/core_pattern', 'core');
  rmSync(folder, { recursive: true });
});

async function isHandlerCalled(): Promise<boolean> {
  for (const end = Date.now() + HANDLER_PATIENCE_MS; Date.now() < end; await delay(50)) {
    if (existsSync(mark)) {
      rmSync(mark);
      return true;
    }
  }
  return false;
}

it('gives no core dump of a job to the handler of the host', async () => {
  expect(await runToEnd(service.jobs, shell(CRASH))).toMatchObject({ signal: 11 });
  expect(await isHandlerCalled()).toBe(false);
});

it('gives none of the helper, which holds secrets, to it', async () => {
  await using helper = await RunningHelper.start();
  process.kill(helper.pid, 'SIGSEGV');
  expect(await isHandlerCalled()).toBe(false);
});

it('refuses a job when a limit of 0 that it inherits can not keep the handler from it', async () => {
  const setLimit = (limit: string) => spawnSync('prlimit', ['--pid', String(process.pid), `--core=${limit}`]);
  setLimit('0:0');
  try {
    await using limited = await temporaryService();
    expect(await runToEnd(limited.jobs, shell('true'))).toMatchObject({
      exitCode: 125,
      failure: { layer: 'process', object: 'RLIMIT_CORE' },
    });
  } finally {
    setLimit('0:unlimited');
  }
});

it('would notice: without a limit the handler is called', async () => {
  spawnSync('sh', ['-c', `ulimit -c unlimited; ${CRASH}`]);
  expect(await isHandlerCalled()).toBe(true);
});
