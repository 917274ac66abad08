/** Namespaces of the check's own, so that nothing else on the machine can be taken for a leak, and none be hidden by it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const INSIDE = 'JOBLET_LEAKCHECK_INSIDE';

export function isEnclosed(): boolean {
  return process.env[INSIDE] === '1';
}

/**
 * Runs this program again in new PID, mount, network, IPC and UTS namespaces.
 *
 * @returns its exit code.
 */
export async function runEnclosed(): Promise<number> {
  const child = spawn(
    'unshare',
    [
      ...['--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--net', '--ipc', '--uts'],
      // Node reaps only its own children; the shell as PID 1 reaps those that a killed helper leaves.
      ...['sh', '-c', 'ip link set lo up 2>/dev/null; "$@" & wait $!', 'sh'],
      ...[process.execPath, ...process.argv.slice(1)],
    ],
    { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
