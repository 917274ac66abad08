import { closeSync } from 'node:fs';
import { duplicateDescriptor } from './duplicate-descriptor.ts';
import { checked, declare, once, systemCallError } from './library.ts';

export interface SpawnOptions {
  /** The program: any descriptor of an executable file, also a sealed memfd. */
  readonly executableFd: number;
  /** The whole argument vector, the program's name included. */
  readonly argv: readonly string[];
  /** The child's descriptors: its number → the number here. The child has no others. */
  readonly descriptors: ReadonlyMap<number, number>;
  /** setsid(2): its own session, out of reach of the terminal's signals. */
  readonly newSession: boolean;
  /** The whole environment, `NAME=value`. */
  readonly environment: readonly string[];
}

/** <spawn.h>; the two structures take 80 and 336 bytes in glibc, 80 and 336 in musl. */
const FILE_ACTIONS_BYTES = 128;
const ATTRIBUTES_BYTES = 512;
/** sigset_t: 1024 bits. */
const ALL_SIGNALS = Buffer.alloc(128, 0xff);
const NO_SIGNALS = Buffer.alloc(128, 0);
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;

/** <linux/close_range.h> */
const CLOSE_RANGE_CLOEXEC = 4;
const LAST_DESCRIPTOR = 0xffff_ffff;

type SpawnParameters = [
  pid: Int32Array,
  path: string,
  actions: Buffer,
  attributes: Buffer,
  argv: (string | null)[],
  environment: (string | null)[],
];

const native = once(() => ({
  posixSpawn: declare<(...parameters: SpawnParameters) => number>(
    'int posix_spawn(int32_t *pid, const char *path, const uint8_t *actions, const uint8_t *attributes, const char **argv, const char **environment)',
  ),
  actionsInit: declare<(actions: Buffer) => number>('int posix_spawn_file_actions_init(uint8_t *actions)'),
  actionsDestroy: declare<(actions: Buffer) => number>(
    'int posix_spawn_file_actions_destroy(uint8_t *actions)',
  ),
  actionsAddDup2: declare<(actions: Buffer, source: number, target: number) => number>(
    'int posix_spawn_file_actions_adddup2(uint8_t *actions, int source, int target)',
  ),
  attributesInit: declare<(attributes: Buffer) => number>('int posix_spawnattr_init(uint8_t *attributes)'),
  setFlags: declare<(attributes: Buffer, flags: number) => number>(
    'int posix_spawnattr_setflags(uint8_t *attributes, short flags)',
  ),
  setSignalDefaults: declare<(attributes: Buffer, set: Buffer) => number>(
    'int posix_spawnattr_setsigdefault(uint8_t *attributes, const uint8_t *set)',
  ),
  setSignalMask: declare<(attributes: Buffer, set: Buffer) => number>(
    'int posix_spawnattr_setsigmask(uint8_t *attributes, const uint8_t *set)',
  ),
  closeRange: declare<(first: number, last: number, flags: number) => number>(
    'int close_range(uint32_t first, uint32_t last, int flags)',
  ),
}));

/**
 * Starts a program as posix_spawn(3) does: the child shares our memory only until it execs (vfork), so the cost does
 * not grow with the heap, and it never runs a line of JavaScript. Signals are all at their default and unblocked.
 * vfork(2) holds the thread that calls it until the child has exec'd, a millisecond where processors are busy: that is
 * one of libuv's pool, and the event loop goes on.
 *
 * @param options its descriptors must stay open until the promise is settled.
 * @returns the pid; it is ours to wait for.
 */
export async function spawnExecutable(options: SpawnOptions): Promise<number> {
  using call = new SpawnCall(options);
  const errno = await new Promise<number>((resolve, reject) => {
    native().posixSpawn.async(...call.parameters, (error: Error | null, result: number) =>
      error === null ? resolve(result) : reject(error),
    );
  });
  return call.pidAfter(errno);
}

/** `spawnExecutable` on the calling thread, for a program that has nothing else to do meanwhile. */
export function spawnExecutableSync(options: SpawnOptions): number {
  using call = new SpawnCall(options);
  return call.pidAfter(native().posixSpawn(...call.parameters));
}

/** What posix_spawn(3) reads until it returns. */
class SpawnCall implements Disposable {
  readonly parameters: SpawnParameters;
  readonly #pid = new Int32Array(1);
  readonly #actions = Buffer.alloc(FILE_ACTIONS_BYTES);
  readonly #borrowed: number[] = [];
  readonly #name: string;

  constructor(options: SpawnOptions) {
    this.#name = options.argv[0] ?? '';
    try {
      const { executable, pairs } = moveOutOfTheWay(options, this.#borrowed);
      prepareActions(this.#actions, pairs);
      // Whoever started us may have left descriptors without the flag, and one leaked into a job is a way out of it.
      checked(
        native().closeRange(3, LAST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC),
        'close_range',
        'CLOSE_RANGE_CLOEXEC',
      );
      this.parameters = [
        this.#pid,
        `/proc/self/fd/${executable}`,
        this.#actions,
        attributesFor(options.newSession),
        [...options.argv, null],
        [...options.environment, null],
      ];
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** @param errno what posix_spawn(3) has returned. */
  pidAfter(errno: number): number {
    succeed(errno, 'posix_spawn', this.#name);
    return this.#pid[0] as number;
  }

  [Symbol.dispose](): void {
    native().actionsDestroy(this.#actions);
    for (const fd of this.#borrowed) {
      closeSync(fd);
    }
  }
}

/**
 * A dup2 to a number that a later action, or exec itself, still reads from would give the child the wrong file: every
 * such descriptor is copied above all target numbers first.
 */
function moveOutOfTheWay(
  { executableFd, descriptors }: SpawnOptions,
  borrowed: number[],
): { executable: number; pairs: [target: number, source: number][] } {
  const lowestFree = Math.max(2, ...descriptors.keys()) + 1;
  const outOfTheWay = (fd: number): number => {
    if (!descriptors.has(fd)) {
      return fd;
    }
    const copy = duplicateDescriptor(fd, lowestFree);
    borrowed.push(copy);
    return copy;
  };
  return {
    executable: outOfTheWay(executableFd),
    pairs: [...descriptors].map(([target, source]) => [target, outOfTheWay(source)]),
  };
}

function prepareActions(actions: Buffer, pairs: readonly (readonly [number, number])[]): void {
  const { actionsInit, actionsAddDup2 } = native();
  succeed(actionsInit(actions), 'posix_spawn_file_actions_init', '');
  for (const [target, source] of pairs) {
    succeed(
      actionsAddDup2(actions, source, target),
      'posix_spawn_file_actions_adddup2',
      `descriptor ${source} as ${target}`,
    );
  }
}

function attributesFor(newSession: boolean): Buffer {
  const { attributesInit, setFlags, setSignalDefaults, setSignalMask } = native();
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  const flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (newSession ? POSIX_SPAWN_SETSID : 0);
  succeed(attributesInit(attributes), 'posix_spawnattr_init', '');
  succeed(setFlags(attributes, flags), 'posix_spawnattr_setflags', String(flags));
  succeed(setSignalDefaults(attributes, ALL_SIGNALS), 'posix_spawnattr_setsigdefault', '');
  succeed(setSignalMask(attributes, NO_SIGNALS), 'posix_spawnattr_setsigmask', '');
  return attributes;
}

/** The posix_spawn family gives errno as its result. */
function succeed(errno: number, operation: string, object: string): void {
  if (errno !== 0) {
    throw systemCallError(operation, object, errno);
  }
}
