import { mkdtempDisposable, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesBelow } from './files.ts';
import { run } from './run.ts';

export const EXECUTOR_SOURCE_DIRECTORY = 'native-helper/executor';

const WARNINGS = ['-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wstrict-prototypes', '-Wvla'];
/**
 * What a C program that parses input as root should be built with: the OpenSSF's compiler hardening guide, less
 * _FORTIFY_SOURCE, which musl has no checks for.
 */
const HARDENING = [
  '-fstack-protector-strong',
  '-fstack-clash-protection',
  '-fno-strict-aliasing',
  '-fno-delete-null-pointer-checks',
  '-ftrivial-auto-var-init=zero',
  '-fPIE',
  '-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code',
];

/** Read before each file, so that a call which it bans doesn't compile. */
const BANNED = `${EXECUTOR_SOURCE_DIRECTORY}/banned.h`;

interface Machine {
  /** As GNU's names of platforms begin. */
  readonly name: string;
  readonly hardening: readonly string[];
}
const MACHINES: Readonly<Record<string, Machine>> = {
  x64: { name: 'x86_64', hardening: ['-fcf-protection=full'] },
  arm64: { name: 'aarch64', hardening: ['-mbranch-protection=standard'] },
};

export interface ExecutorBuild {
  readonly buildId: string;
  /** Whether layers of the sandbox can be left out: for `npm run escape` only. */
  readonly weakened: boolean;
}

/** The C files and headers of the executor itself; its tests and its fuzzer lie in folders below. */
export async function executorSources(): Promise<string[]> {
  const files = await filesBelow(EXECUTOR_SOURCE_DIRECTORY, ['.c', '.h']);
  return files.filter((path) => !path.slice(EXECUTOR_SOURCE_DIRECTORY.length + 1).includes('/'));
}

/** With musl, whose start-up asks nothing of the processor: docs/adr/011-executor-on-musl.md. */
export async function compileExecutor(output: string, { buildId, weakened }: ExecutorBuild): Promise<void> {
  const machine = MACHINES[process.arch];
  if (machine === undefined) {
    throw new Error(`the executor is not built for ${process.arch}`);
  }
  const sources = (await executorSources()).filter((path) => path.endsWith('.c'));
  await using headers = await kernelHeaders(machine);
  await run('musl-gcc', [
    ...['-std=gnu17', '-O2', '-g0', ...WARNINGS, ...HARDENING, ...machine.hardening],
    ...['-isystem', headers.path, '-include', BANNED, `-DJOBLET_BUILD_ID="${buildId}"`],
    ...(weakened ? ['-DJOBLET_WEAKEN'] : []),
    ...['-o', output, ...asStaticPie(machine, sources)],
  ]);
}

/** A folder of the kernel's headers and none of glibc's, which lie beside them in /usr/include. */
async function kernelHeaders({ name }: Machine): Promise<{ path: string } & AsyncDisposable> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'joblet-kernel-headers-'));
  await symlink('/usr/include/linux', join(folder.path, 'linux'));
  await symlink('/usr/include/asm-generic', join(folder.path, 'asm-generic'));
  await symlink(`/usr/include/${name}-linux-gnu/asm`, join(folder.path, 'asm'));
  return folder;
}

/** musl-gcc's specification knows no -static-pie, so the start file that relocates the executable is named here. */
function asStaticPie({ name }: Machine, sources: readonly string[]): string[] {
  const library = `/usr/lib/${name}-linux-musl`;
  return [
    ...['-static', '-nostartfiles', '-Wl,-pie,--no-dynamic-linker,-z,text'],
    ...[`${library}/rcrt1.o`, `${library}/crti.o`, ...sources, `${library}/crtn.o`],
  ];
}
