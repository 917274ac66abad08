/** The user's files that jobs see: opened with the caller's rights, shown as the job's own. */
import { closeSync, constants } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobletError } from '../../api/errors.ts';
import type { CheckedMount } from '../../api/job-mounts.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import type { Paths } from '../../api/paths.ts';
import type { IdRange, Mount } from '../plan/plan.ts';
import type { PlanSources, Source } from '../plan/sources.ts';
import type { Caller } from './caller.ts';
import { CallerStore } from './caller-store.ts';
import { type NotOpened, type OpenedPath, SourceOpener } from './source-opener.ts';
import { mappedGroups, notOpened, SourceRules } from './source-rules.ts';

export interface JobMountsOptions {
  readonly paths: Paths;
  readonly database: DatabaseSync;
  readonly jobsConfig: ServerConfig['jobs'];
  readonly executorFd: number;
}

export class JobMounts implements Disposable {
  readonly #opener: SourceOpener;
  readonly #rules: SourceRules;
  readonly #callers: CallerStore;
  readonly #jobsConfig: ServerConfig['jobs'];

  constructor({ paths, database, jobsConfig, executorFd }: JobMountsOptions) {
    this.#opener = new SourceOpener(executorFd);
    this.#rules = new SourceRules(paths);
    this.#callers = new CallerStore(database);
    this.#jobsConfig = jobsConfig;
  }

  /** @throws JobletError: refused, or unavailable, where a source can't be shown to a job of this caller. */
  async check({ mounts, seccompLevel }: CheckedJobSpec, caller: Caller): Promise<void> {
    if (mounts.length > 0) {
      refuseSetUidFiles(mounts, seccompLevel ?? this.#jobsConfig.seccomp_level);
      using _ = await this.#open(mounts, caller);
    }
  }

  /** Keeps the caller for the start of the job. Call it in the commit that inserts the job, after that. */
  keep(uuid: string, { mounts }: CheckedJobSpec, caller: Caller): void {
    if (mounts.length > 0) {
      this.#callers.insert(uuid, caller);
    }
  }

  /**
   * Opens a job's mounts for its start. Dispose of them when the monitor has been started.
   *
   * @throws JobletError as `check`.
   */
  async open(uuid: string, mounts: readonly CheckedMount[]): Promise<OpenedMounts> {
    const caller = this.#callers.get(uuid);
    if (caller === undefined) {
      throw new Error(`job ${uuid} has mounts, and nobody knows whose`);
    }
    return this.#open(mounts, caller);
  }

  async #open(mounts: readonly CheckedMount[], caller: Caller): Promise<OpenedMounts> {
    const answers = await this.#opener.open(
      mounts.map(({ source }) => source),
      caller,
    );
    const opened = new OpenedMounts(
      answers.filter((answer) => isOpened(answer)),
      mounts,
      this.#idMaps(caller),
    );
    try {
      for (const [index, mount] of mounts.entries()) {
        this.#checkOne(mount, answers[index], caller);
      }
      return opened;
    } catch (error) {
      opened[Symbol.dispose]();
      throw error;
    }
  }

  #checkOne(mount: CheckedMount, answer: OpenedPath | NotOpened | undefined, caller: Caller): void {
    if (answer === undefined || !isOpened(answer)) {
      throw notOpened(mount.source, answer?.error ?? 'nobody answered');
    }
    this.#rules.check(mount, answer, caller);
  }

  /**
   * The caller's uid and gid are the job's. The caller's other groups stay what they are, so that files of the caller's which are theirs
   * can be written: the kernel refuses that where either id is not mapped. The job is in none of them.
   */
  #idMaps(caller: Caller): IdRange[] {
    const { user, group } = this.#jobsConfig;
    const groups = mappedGroups(caller).filter((gid) => gid !== caller.gid && gid !== group);
    return [
      { kind: 'uid', inside: caller.uid, outside: user, count: 1 },
      { kind: 'gid', inside: caller.gid, outside: group, count: 1 },
      ...groups.map((gid): IdRange => ({ kind: 'gid', inside: gid, outside: gid, count: 1 })),
    ];
  }

  [Symbol.dispose](): void {
    this.#opener[Symbol.dispose]();
  }
}

/** Inside nothing honours such a bit; outside it would make a program of the job's run as the caller, whoever starts it. */
function refuseSetUidFiles(mounts: readonly CheckedMount[], seccompLevel: number): void {
  const writable = mounts.find(({ readOnly }) => !readOnly);
  if (seccompLevel === 0 && writable !== undefined) {
    throw new JobletError('refused', {
      layer: 'mount',
      operation: 'check',
      object: writable.source,
      reason: 'at seccomp level 0 a job could leave set-uid files of yours in it',
      mend: 'Mount it read-only (:ro), or run the job at level 1 or above.',
    });
  }
}

function isOpened(answer: OpenedPath | NotOpened): answer is OpenedPath {
  return 'fd' in answer;
}

/** The mounts of one job, open. */
export class OpenedMounts implements Disposable {
  readonly idMaps: readonly IdRange[];
  readonly #sources: readonly OpenedPath[];
  readonly #mounts: readonly CheckedMount[];

  constructor(sources: readonly OpenedPath[], mounts: readonly CheckedMount[], idMaps: readonly IdRange[]) {
    this.#sources = sources;
    this.#mounts = mounts;
    this.idMaps = idMaps;
  }

  /** What lies in another comes after it, or it would be covered. */
  mountsFor(sources: PlanSources): Mount[] {
    return this.#mounts
      .map((mount, index): Mount => {
        const { fd, mode } = this.#sources[index] as OpenedPath;
        const source: Source = { fd, path: mount.source };
        return {
          kind: 'bind',
          target: mount.target,
          source: sources.lend(source),
          attributes: [
            'noSuid',
            'noDevices',
            'idmapped',
            ...(mount.readOnly ? (['readOnly'] as const) : []),
            ...((mode & constants.S_IFMT) === constants.S_IFREG ? (['file'] as const) : []),
          ],
        };
      })
      .sort((one, other) => one.target.split('/').length - other.target.split('/').length);
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#sources) {
      closeSync(fd);
    }
  }
}
