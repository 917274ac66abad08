import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mount, Plan } from '../../native-helper/server/plan/plan.ts';
import type { PlanSources } from '../../native-helper/server/plan/sources.ts';
import type { Children } from './children.ts';

/** Where bwrap reads the contents of written files from. */
const FIRST_DATA_DESCRIPTOR = 10;

/**
 * bubblewrap with the same namespaces and the same root as a plan of ours. What it has no option for is left out to
 * its favour: masks over parts of /proc, a uid of its own without a user namespace, limits, a log, a record.
 */
export class Bubblewrap implements Disposable {
  readonly #children: Children;
  readonly #plan: Plan;
  readonly #folder = mkdtempSync(join(tmpdir(), 'joblet-bench-bwrap-'));
  readonly #executable = openSync('/usr/bin/bwrap', 'r');
  readonly #options: readonly string[];
  readonly #contents: string[] = [];

  constructor(children: Children, plan: Plan, sources: PlanSources) {
    this.#children = children;
    this.#plan = plan;
    this.#options = [
      ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup', '--new-session'],
      ...['--die-with-parent', '--cap-drop', 'ALL', '--hostname', plan.hostname ?? 'bench'],
      ...plan.mounts.flatMap((mount) => this.#optionsOf(mount, sources)),
      ...['--remount-ro', '/', '--chdir', plan.workDirectory],
    ];
  }

  /** @param argv the command; without it that of the plan. */
  async run(argv: readonly string[] = this.#plan.argv): Promise<void> {
    const files = this.#contents.map((path) => openSync(path, 'r'));
    try {
      const descriptors = new Map(files.map((fd, index) => [FIRST_DATA_DESCRIPTOR + index, fd]));
      await this.#children.run(
        this.#executable,
        ['bwrap', ...this.#options, '--', ...argv],
        this.#plan.environment,
        descriptors,
      );
    } finally {
      files.forEach(closeSync);
    }
  }

  #optionsOf(mount: Mount, sources: PlanSources): string[] {
    const { kind, target } = mount;
    if (target === '/' || target.startsWith('/dev/')) {
      return kind === 'mqueue' ? ['--mqueue', target] : []; // --dev makes the rest
    }
    switch (kind) {
      case 'bind': {
        const path = sources.bySlot.get(mount.source)?.path ?? '';
        return [mount.attributes.includes('readOnly') ? '--ro-bind' : '--bind', path, target];
      }
      case 'tmpfs':
        return target === '/dev' ? ['--dev', target] : ['--size', String(mount.size), '--tmpfs', target];
      case 'proc':
        return ['--proc', target];
      case 'symlink':
        return ['--symlink', mount.leadsTo, target];
      case 'file':
        return ['--file', String(this.#keep(mount.content)), target];
      case 'directory':
        return ['--dir', target];
      default:
        return [];
    }
  }

  /** @returns the descriptor under which bwrap will find the content. */
  #keep(content: Uint8Array): number {
    const path = join(this.#folder, String(this.#contents.length));
    writeFileSync(path, content);
    this.#contents.push(path);
    return FIRST_DATA_DESCRIPTOR + this.#contents.length - 1;
  }

  [Symbol.dispose](): void {
    closeSync(this.#executable);
    rmSync(this.#folder, { recursive: true });
  }
}
