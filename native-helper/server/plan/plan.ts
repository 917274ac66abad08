/**
 * A plan: all that the executor is told about one job, as a value. docs/plan-format.md has the bytes; encode.ts
 * writes them.
 */

/** The number of an open file in the monitor's table (docs/monitor-protocol.md); the first source is 10. */
export type Slot = number;

export interface Plan {
  /** Lower-case UUID. */
  readonly uuid: string;
  readonly namespaces: Namespaces;
  /** At most 64 bytes; only with a UTS namespace. */
  readonly hostname?: string;
  readonly credentials: Credentials;
  /** Only with a user namespace. */
  readonly idRanges: readonly IdRange[];
  /** For idmapped mounts: an id `inside` of the file system is shown to the job as `outside`. */
  readonly idMaps: readonly IdRange[];
  /** Carried out in order; the first is the new root. */
  readonly mounts: readonly [RootMount, ...Mount[]];
  readonly devices: readonly Device[];
  readonly limits: readonly Limit[];
  readonly resourceLimits: readonly ResourceLimit[];
  /** The whole environment: `NAME=value`. */
  readonly environment: readonly string[];
  /** The first is the program, looked up in the plan's own PATH. */
  readonly argv: readonly [string, ...string[]];
  /** Absolute, inside the job. */
  readonly workDirectory: string;
  readonly seccomp?: SeccompProgram;
  /** Standard input; absent: it is empty. */
  readonly input?: Input;
  readonly landlock?: Landlock;
  readonly log: LogPlan;
  /** Milliseconds; 0 = none. */
  readonly timeoutMs: bigint;
  /** Milliseconds between SIGTERM and the kill of the whole job when its time is up. */
  readonly stopGraceMs: bigint;
  /** 0 … 19: jobs may only be made to yield. */
  readonly nice: number;
  /** −1000 … 1000, proc_pid_oom_score_adj(5). */
  readonly oomScoreAdjustment: number;
}

export interface Namespaces {
  readonly pid: boolean;
  readonly mount: boolean;
  readonly ipc: boolean;
  readonly uts: boolean;
  readonly cgroup: boolean;
  readonly user: boolean;
  readonly network: { readonly kind: 'host' | 'new' } | { readonly kind: 'join'; readonly slot: Slot };
}

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** The mask of capabilities kept in every set. */
  readonly capabilities: bigint;
}

export interface IdRange {
  readonly kind: 'uid' | 'gid';
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** mount_setattr(2) attributes; `recursive` only for binds, `file` when the source is a regular file, `idmapped` by the plan's idMaps. */
export type MountAttribute =
  | 'readOnly'
  | 'noSuid'
  | 'noDevices'
  | 'noExec'
  | 'recursive'
  | 'file'
  | 'idmapped';

interface Target {
  /** Absolute path in the job's root, without `.`, `..` or empty parts. */
  readonly target: string;
}

interface WithAttributes {
  readonly attributes: readonly MountAttribute[];
}

interface TmpfsFields extends WithAttributes {
  readonly kind: 'tmpfs';
  /** Bytes. */
  readonly size: bigint;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export type RootMount = TmpfsFields & { readonly target: '/' };

export type Mount =
  | ({ readonly kind: 'bind'; readonly source: Slot } & WithAttributes & Target)
  | (TmpfsFields & Target)
  | ({ readonly kind: 'proc' | 'devpts' | 'mqueue' } & WithAttributes & Target)
  | ({ readonly kind: 'directory'; readonly mode: number } & Target)
  | ({ readonly kind: 'file'; readonly mode: number; readonly content: Uint8Array } & Target)
  | ({ readonly kind: 'symlink'; readonly leadsTo: string } & Target)
  /** A file is covered by /dev/null, a folder by an empty read-only tmpfs; absent paths are passed over. */
  | ({ readonly kind: 'mask' | 'readOnlyPath' } & Target);

export interface Device {
  readonly type: 'character' | 'block';
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly access: readonly ('read' | 'write' | 'mknod')[];
  readonly path: string;
}

/** A cgroup v2 interface file, the text written to it (empty: none), and the text it must give back. */
export interface Limit {
  readonly file: string;
  readonly written: string;
  readonly readBack: string;
}

/** setrlimit(2); `resource` is an RLIMIT_* number, undefined is infinity. */
export interface ResourceLimit {
  readonly resource: number;
  readonly soft: bigint | undefined;
  readonly hard: bigint | undefined;
}

/** A pipe that the monitor writes, or a terminal, whose size is in cells. */
export type Input =
  | { readonly kind: 'pipe' }
  | { readonly kind: 'terminal'; readonly columns: number; readonly rows: number };

/** What becomes of output that the disk does not take in time (ADR-005). */
export interface LogPlan {
  /** `block`: the job waits for the disk, and nothing is kept elsewhere or lost. */
  readonly overflow: 'continue' | 'block';
  /** What may wait in memory, ≥ 1 MiB. */
  readonly memoryBytes: bigint;
  /** A file in another place, and what may wait there, ≥ 1. */
  readonly spill?: { readonly slot: Slot; readonly bytes: bigint };
}

/** At least one of its fields forbids something. */
export interface Landlock {
  /** What of others is out of reach. */
  readonly scopes: readonly ('abstractSockets' | 'signals')[];
  /** The TCP ports, 1 … 65535, that it may listen on or connect to; undefined = all. */
  readonly bind: readonly number[] | undefined;
  readonly connect: readonly number[] | undefined;
}

export interface SeccompProgram {
  /** SECCOMP_FILTER_FLAG_LOG: the kernel's log tells what is blocked. */
  readonly log: boolean;
  /** SECCOMP_FILTER_FLAG_NEW_LISTENER: the monitor answers and counts what the program sends to it. */
  readonly listen: boolean;
  /** What the report and the record call it. */
  readonly level: number;
  /** struct sock_filter, 8 bytes each. */
  readonly instructions: Uint8Array;
}
