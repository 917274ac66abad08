/** Namespaces of a check's own, so that nothing else on the machine can be taken for a leak, and none be hidden by it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { temporaryRoot } from '../fixtures/root.ts';

const INSIDE = 'JOBLET_ENCLOSED';

export function isEnclosed(): boolean {
  return process.env[INSIDE] === '1';
}

/**
 * Runs this program again in new PID, mount, network, IPC and UTS namespaces, with a folder of its own for all that it
 * writes. However it ends, also by a signal to us, nothing of it runs on, no mount of it is left, and the folder is removed.
 *
 * @returns its exit code.
 */
export async function runEnclosed(): Promise<number> {
  const folder = temporaryRoot();
  try {
    return await runIn(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runIn(folder: string): Promise<number> {
  const child = spawn(
    'unshare',
    [
      ...['--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--net', '--ipc', '--uts'],
      // Node reaps only its own children; the shell as PID 1 reaps those that a killed helper leaves.
      ...['sh', '-c', 'ip link set lo up 2>/dev/null; "$@" & wait $!', 'sh'],
      ...[process.execPath, ...process.argv.slice(1)],
    ],
    { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1', TMPDIR: folder } },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill('SIGKILL'));
  }
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
