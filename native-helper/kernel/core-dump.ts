import { checked, declare, once } from './library.ts';

/** <sys/prctl.h> */
const PR_SET_DUMPABLE = 4;

const prctl = once(() =>
  declare<(option: number, a: number, b: number, c: number, d: number) => number>(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  ),
);

/** No core dump of this process is written or given to the machine's handler, whatever its limits, and nobody without CAP_SYS_PTRACE reads its memory. */
export function forbidCoreDumps(): void {
  checked(prctl()(PR_SET_DUMPABLE, 0, 0, 0, 0), 'prctl PR_SET_DUMPABLE', 'this process');
}
