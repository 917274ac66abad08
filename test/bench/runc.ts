import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Mount, Plan } from '../../native-helper/server/plan/plan.ts';
import type { PlanSources } from '../../native-helper/server/plan/sources.ts';
import type { Children } from './children.ts';

/** runc with the namespaces and the root of a plan of ours, no limits, no capabilities, one bundle for all runs. */
export class Runc implements Disposable {
  readonly #children: Children;
  readonly #folder = mkdtempSync(join(tmpdir(), 'joblet-bench-runc-'));
  readonly #executable = openSync('/usr/sbin/runc', 'r');
  #runs = 0;

  constructor(children: Children, plan: Plan, sources: PlanSources) {
    this.#children = children;
    for (const mount of plan.mounts) {
      this.#makeInRoot(mount);
    }
    writeFileSync(join(this.#folder, 'config.json'), JSON.stringify(configOf(plan, sources)));
  }

  async run(): Promise<void> {
    this.#runs += 1;
    const options = ['--root', join(this.#folder, 'state'), 'run', '--bundle', this.#folder];
    await this.#children.run(
      this.#executable,
      ['runc', ...options, `bench-${process.pid}-${this.#runs}`],
      ['PATH=/usr/sbin:/usr/bin'],
    );
  }

  /** Links and files are made once, before the clock runs; runc makes the places of mounts itself. */
  #makeInRoot(mount: Mount): void {
    const path = join(this.#folder, 'root', mount.target);
    mkdirSync(dirname(path), { recursive: true });
    if (mount.kind === 'symlink' && !mount.target.startsWith('/dev/')) {
      symlinkSync(mount.leadsTo, path);
    } else if (mount.kind === 'file') {
      writeFileSync(path, mount.content);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#executable);
    rmSync(this.#folder, { recursive: true });
  }
}

/** https://github.com/opencontainers/runtime-spec/blob/main/config.md */
function configOf(plan: Plan, sources: PlanSources): object {
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: plan.credentials.uid, gid: plan.credentials.gid },
      args: plan.argv,
      env: plan.environment,
      cwd: plan.workDirectory,
      noNewPrivileges: true,
    },
    root: { path: 'root', readonly: true },
    hostname: plan.hostname,
    mounts: plan.mounts.flatMap((mount) => ociMount(mount, sources)),
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      maskedPaths: plan.mounts.filter(({ kind }) => kind === 'mask').map(({ target }) => target),
      readonlyPaths: plan.mounts.filter(({ kind }) => kind === 'readOnlyPath').map(({ target }) => target),
    },
  };
}

function ociMount(mount: Mount, sources: PlanSources): object[] {
  const destination = mount.target;
  if (destination === '/') {
    return [];
  }
  switch (mount.kind) {
    case 'bind': {
      const access = mount.attributes.includes('readOnly') ? 'ro' : 'rw';
      const source = sources.bySlot.get(mount.source)?.path;
      return [{ destination, type: 'bind', source, options: ['rbind', access, 'nosuid', 'nodev'] }];
    }
    case 'tmpfs':
      return [{ destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', `size=${mount.size}`] }];
    case 'devpts':
      return [{ destination, type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] }];
    case 'proc':
    case 'mqueue':
      return [{ destination, type: mount.kind, source: mount.kind }];
    default:
      return [];
  }
}
