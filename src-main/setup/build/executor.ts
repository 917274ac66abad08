import { filesBelow } from './files.ts';
import { run } from './run.ts';

export const EXECUTOR_SOURCE_DIRECTORY = 'native-helper/executor';

const WARNINGS = ['-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wstrict-prototypes', '-Wvla'];
/** What a C program that parses input as root should be built with: the OpenSSF's compiler hardening guide. */
const HARDENING = [
  '-D_FORTIFY_SOURCE=3',
  '-fstack-protector-strong',
  '-fstack-clash-protection',
  '-fno-strict-aliasing',
  '-fno-delete-null-pointer-checks',
  '-ftrivial-auto-var-init=zero',
  '-fPIE',
  '-static-pie',
  '-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code',
];
const HARDENING_OF: Readonly<Record<string, readonly string[]>> = {
  x64: ['-fcf-protection=full'],
  arm64: ['-mbranch-protection=standard'],
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

export async function compileExecutor(output: string, { buildId, weakened }: ExecutorBuild): Promise<void> {
  const sources = (await executorSources()).filter((path) => path.endsWith('.c'));
  await run('gcc', [
    ...['-std=gnu17', '-O2', '-g0', ...WARNINGS, ...HARDENING, ...(HARDENING_OF[process.arch] ?? [])],
    `-DJOBLET_BUILD_ID="${buildId}"`,
    ...(weakened ? ['-DJOBLET_WEAKEN'] : []),
    ...['-o', output, ...sources],
  ]);
}
