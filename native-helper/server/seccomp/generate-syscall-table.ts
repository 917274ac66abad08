/**
 * Writes syscall-table.ts, from the kernel's own headers as Debian's linux-libc-dev installs them:
 *
 *   node native-helper/server/seccomp/generate-syscall-table.ts > native-helper/server/seccomp/syscall-table.ts
 *
 * What this prints is committed: users have no headers, and a profile must not change with the machine it is built on.
 */
import { execFileSync } from 'node:child_process';

/**
 * Younger than the headers of Debian 12. From Linux 6.17: scripts/syscall.tbl, and for the two of x86-64 alone
 * arch/x86/entry/syscalls/syscall_64.tbl. Since 5.1 a new call has the same number on every architecture.
 */
const YOUNGER = {
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  open_tree_attr: 467,
  file_getattr: 468,
  file_setattr: 469,
};
const YOUNGER_ON_X64 = { uretprobe: 335, uprobe: 336 };

/** What arch/arm64/include/uapi/asm/unistd.h defines before it includes the generic header. */
const ARM64_WANTS = [
  'RENAMEAT',
  'NEW_STAT',
  'SET_GET_RLIMIT',
  'TIME32_SYSCALLS',
  'SYS_CLONE3',
  'MEMFD_SECRET',
].map((name) => `-D__ARCH_WANT_${name}`);

/** Names and numbers, by the preprocessor, which follows one name that is defined as another. */
function numbersIn(header: string, defines: readonly string[]): [name: string, number: number][] {
  const source = `#include <${header}>\n`;
  const macros = preprocess(['-dM'], defines, source);
  const names = [...macros.matchAll(/^#define __NR_(\w+) /gm)].map((match) => match[1] as string);
  const queries = names.map((name) => `@${name} __NR_${name}`).join('\n');
  const values = preprocess(['-P'], defines, source + queries);
  return [...values.matchAll(/^@(\w+) (\d+)$/gm)]
    .map((match): [string, number] => [match[1] as string, Number(match[2])])
    .filter(([name]) => name !== 'syscalls' && name !== 'arch_specific_syscall');
}

function preprocess(flags: readonly string[], defines: readonly string[], input: string): string {
  return execFileSync('gcc', ['-E', ...flags, ...defines, '-x', 'c', '-'], { input, encoding: 'utf8' });
}

function tableText(entries: readonly [string, number][]): string {
  const sorted = [...entries].sort(([, one], [, other]) => one - other);
  return sorted.map(([name, number]) => `    ${name}: ${number},`).join('\n');
}

const [, version] = execFileSync('dpkg-query', ['-W', 'linux-libc-dev'], { encoding: 'utf8' })
  .trim()
  .split('\t');
const younger = Object.entries(YOUNGER);
const x64 = [...numbersIn('asm/unistd_64.h', []), ...Object.entries(YOUNGER_ON_X64), ...younger];
const arm64 = [...numbersIn('asm-generic/unistd.h', ARM64_WANTS), ...younger];

process.stdout.write(`/**
 * Made by generate-syscall-table.ts from linux-libc-dev ${version}: asm/unistd_64.h for x86-64, asm-generic/unistd.h for
 * arm64; what is younger than these headers is from Linux 6.17.
 */
export const SYSCALLS = {
  x64: {
${tableText(x64)}
  },
  arm64: {
${tableText(arm64)}
  },
} as const;
`);
