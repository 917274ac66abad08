/**
 * Debian's own systemd, booted as PID 1 of namespaces of its own below a cgroup of its own, so that the machine is as it was once
 * that cgroup is gone. It has no units but those named here: those of a desktop take minutes on an emulated processor.
 */
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { until } from './desktop.ts';

const CGROUP = '/sys/fs/cgroup/booted';
/** So that what hangs in there fails its test, ms. */
const PATIENCE_MS = 90_000;
/** What every service depends on. */
const UNITS = ['sysinit.target', 'basic.target', 'shutdown.target', 'multi-user.target'];
/** So low that a job of a test can come up against it. */
export const DEFAULT_TASKS_MAX = 100;

/** What it and the helper write goes with the mount namespace. */
const BOOT = `
echo 0 >${CGROUP}/cgroup.procs
exec unshare --cgroup --pid --mount --ipc --uts --fork --kill-child /bin/bash -euc '
  umount /sys/fs/cgroup
  mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 /sys/fs/cgroup
  mount -t proc proc /proc
  while grep -qx 0 /sys/fs/cgroup/cgroup.procs; do sleep 0.1; done # unshare, which is none of this namespace
  for folder in /run /var/lib/joblet /etc/joblet /etc/systemd; do mount -t tmpfs -o mode=0755 booted $folder; done
  mkdir -p /run/units /etc/systemd/system
  cd /usr/lib/systemd/system && cp ${UNITS.join(' ')} /run/units
  printf "[Manager]\\nDefaultTasksMax=${DEFAULT_TASKS_MAX}\\n" >/etc/systemd/system.conf
  exec env -i container=joblet-vm SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/units PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /usr/lib/systemd/systemd --unit=basic.target --show-status=no --log-target=console --log-level=warning
'`;

export class Systemd implements Disposable {
  /** The root of its cgroups, where the machine sees it. */
  readonly cgroup = CGROUP;
  readonly #unshare: ChildProcess;
  readonly #pid: number;

  private constructor(unshare: ChildProcess, pid: number) {
    this.#unshare = unshare;
    this.#pid = pid;
  }

  static async boot(): Promise<Systemd> {
    if (process.env.JOBLET_VM === undefined) {
      throw new Error('this takes over cgroups: run it in the machine only');
    }
    mkdirSync(CGROUP);
    const unshare = spawn('/bin/bash', ['-euc', BOOT], { stdio: ['ignore', 'inherit', 'inherit'], cwd: '/' });
    const pid = await until(() => childOf(unshare.pid as number));
    // It waits for its child, and a cgroup with processes can't hand on controllers.
    writeFileSync(join(dirname(CGROUP), 'cgroup.procs'), String(unshare.pid));
    const systemd = new Systemd(unshare, pid);
    await until(() => /^(running|degraded)$/m.test(systemd.run('systemctl', 'is-system-running').stdout));
    return systemd;
  }

  /** Runs a program as root of the booted system, outside its cgroup. */
  run(...argv: string[]): SpawnSyncReturns<string> {
    const namespaces = ['--cgroup', '--pid', '--mount', '--ipc', '--uts', '--root', '--wd'];
    return spawnSync('nsenter', ['--target', String(this.#pid), ...namespaces, '--', ...argv], {
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8' },
    });
  }

  [Symbol.dispose](): void {
    writeFileSync(join(CGROUP, 'cgroup.kill'), '1');
    this.#unshare.kill('SIGKILL');
    while (/populated 1/.test(readFileSync(join(CGROUP, 'cgroup.events'), 'utf8'))) {
      spawnSync('sleep', ['0.1']);
    }
    removeCgroup(CGROUP);
  }
}

function childOf(pid: number): number | undefined {
  const path = `/proc/${pid}/task/${pid}/children`;
  const [child] = existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ') : [];
  return child ? Number(child) : undefined;
}

function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      removeCgroup(join(path, entry.name));
    }
  }
  rmdirSync(path);
}
