import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Mount, Plan } from '../../native-helper/server/plan/plan.ts';
import type { PlanSources } from '../../native-helper/server/plan/sources.ts';
import { type Answer, type Architecture, ruleFor } from '../../native-helper/server/seccomp/profile.ts';
import { LEVEL_2 } from '../../native-helper/server/seccomp/profiles/level-2.ts';
import { SYSCALLS } from '../../native-helper/server/seccomp/syscall-table.ts';
import type { Children } from './children.ts';

const CONTROLLERS = '/sys/fs/cgroup/cgroup.controllers';

/**
 * runc with the namespaces, the root, the level of seccomp and, where cgroup v2 has the controllers, the limits of a plan of
 * ours, no capabilities, one bundle for all runs. What differs is left out to its favour: calls that we allow with some
 * arguments only, a log, a record, a user namespace.
 */
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
      seccomp: ociSeccomp(process.arch === 'arm64' ? 'arm64' : 'x64'),
      ...(existsSync(CONTROLLERS) ? { resources: { unified: unifiedLimits(plan) } } : {}),
    },
  };
}

function unifiedLimits({ limits }: Plan): Record<string, string> {
  return Object.fromEntries(
    limits.map(({ file, written }) => [file, written]).filter(([, text]) => text !== ''),
  );
}

function ociSeccomp(architecture: Architecture): object {
  const answer = ruleFor(LEVEL_2, architecture);
  const named = (wanted: Answer['answer']): string[] =>
    Object.entries(SYSCALLS[architecture]).flatMap(([name, number]) =>
      answer(number).answer === wanted ? [name] : [],
    );
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: constants.errno.ENOSYS,
    architectures: [architecture === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
    syscalls: [
      { names: named('allow'), action: 'SCMP_ACT_ALLOW' },
      { names: named('deny'), action: 'SCMP_ACT_ERRNO', errnoRet: constants.errno.EPERM },
    ],
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
