/**
 * The C library, called through koffi. Nothing is loaded before the first call, and nothing outside this folder
 * imports koffi.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants as osConstants, tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';
import type { default as Koffi, KoffiFunc, LibraryHandle } from 'koffi';
import { type ErrorKind, JobletError } from '../api/errors.ts';

/** The name under which the single executable carries koffi's library: put it there as an asset. */
const KOFFI_ASSET = 'koffi.node';

/** open(2); Node exports no constant for it. The same on x86-64 and arm64, O_DIRECTORY differs. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Calls `make` at the first use and gives its value from then on. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * koffi's own JavaScript only looks for its native module and adds deprecated names to it. Loading the module itself
 * leaves one place that knows where it lies: beside the sources in node_modules, or in the single executable.
 */
const loadKoffi = once((): typeof Koffi => (isSea() ? loadFromAsset() : loadFromPackage()));

const libc = once((): LibraryHandle => loadKoffi().load(null));

/** Declares one function of the C library; `definition` is its C prototype. */
export function declare<T extends (...parameters: never[]) => unknown>(definition: string): KoffiFunc<T> {
  return libc().func(definition) as unknown as KoffiFunc<T>;
}

/** Makes a C structure known by its name to later prototypes. Members in their order: name → C type. */
export function declareStruct(name: string, members: Readonly<Record<string, string>>): void {
  loadKoffi().struct(name, { ...members });
}

function loadFromPackage(): typeof Koffi {
  const platform = `linux-${process.arch}`;
  return openNativeModule(
    createRequire(import.meta.url).resolve(`@koromix/koffi-${platform}/linux_${process.arch}/koffi.node`),
  );
}

/** dlopen(3) wants a path, so the asset becomes a file without a name, which nobody can swap. */
function loadFromAsset(): typeof Koffi {
  const bytes = new Uint8Array(getRawAsset(KOFFI_ASSET));
  const file = openNamelessFile([dirname(process.execPath), '/dev/shm', tmpdir()]);
  try {
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(file, bytes, written);
    }
    return openNativeModule(`/proc/self/fd/${file}`);
  } finally {
    closeSync(file);
  }
}

/** The executable's own folder comes first: it can't be mounted noexec. It may be read-only, though. */
function openNamelessFile(folders: readonly string[]): number {
  const failures: string[] = [];
  for (const folder of folders) {
    try {
      return openSync(folder, O_TMPFILE | constants.O_RDWR, 0o700);
    } catch (error) {
      failures.push(String(error));
    }
  }
  throw new JobletError('unavailable', {
    layer: 'kernel',
    operation: 'open O_TMPFILE',
    object: folders.join(', '),
    reason: failures.join('; '),
    mend: 'Make one of these folders writable.',
  });
}

function openNativeModule(path: string): typeof Koffi {
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, path);
  return module.exports as typeof Koffi;
}

/** errno of the last call into the C library. Ask at once: any other call may change it. */
export function lastErrno(): number {
  return loadKoffi().errno();
}

const KIND_OF_ERRNO: ReadonlyMap<number, ErrorKind> = new Map([
  [osConstants.errno.EMFILE, 'exhausted'],
  [osConstants.errno.ENFILE, 'exhausted'],
  [osConstants.errno.ENOMEM, 'exhausted'],
  [osConstants.errno.ENOSPC, 'exhausted'],
  [osConstants.errno.EAGAIN, 'exhausted'],
  [osConstants.errno.EPERM, 'refused'],
  [osConstants.errno.EACCES, 'refused'],
]);

/**
 * util.getSystemErrorName() knows only those that libuv itself meets, ECHILD not among them. Of two names the first counts: EAGAIN,
 * not EWOULDBLOCK.
 */
const NAME_OF_ERRNO: ReadonlyMap<number, string> = new Map(
  Object.entries(osConstants.errno)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** A failed system call as an error that names the call, what it was done to, and errno. */
export function systemCallError(operation: string, object: string, errno: number): JobletError {
  return new JobletError(KIND_OF_ERRNO.get(errno) ?? 'internal', {
    layer: 'kernel',
    operation,
    object,
    reason: NAME_OF_ERRNO.get(errno) ?? `errno ${errno}`,
    mend: '',
  });
}

/** The result of a call that gives −1 and sets errno when it fails. */
export function checked(result: number, operation: string, object: string): number {
  if (result < 0) {
    throw systemCallError(operation, object, lastErrno());
  }
  return result;
}
