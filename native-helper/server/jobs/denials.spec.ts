import { describe, expect, it } from 'vitest';
import { ownArchitecture } from '../seccomp/programs.ts';
import { SYSCALLS } from '../seccomp/syscall-table.ts';
import { countedDenials, withDenial } from './denials.ts';

const { ptrace, bpf } = SYSCALLS[ownArchitecture()];

describe('denials', () => {
  it('of a running job come once a call, and without a count', () => {
    const first = withDenial([], { level: 2, call: ptrace, first_us: 7 });
    const again = withDenial(first, { level: 2, call: ptrace, first_us: 7 });
    const both = withDenial(again, { level: 2, call: bpf, first_us: 8 });
    expect(both.map(({ call, count, firstUs }) => [call, count, firstUs])).toEqual([
      ['ptrace', 0n, 7n],
      ['bpf', 0n, 8n],
    ]);
  });

  it('of a job that has ended are counted, those without a line of their own too', () => {
    const denials = countedDenials({ level: 2, calls: [[ptrace, 3, 7]], others: 5 });
    expect(denials.map(({ call, count, mend }) => [call, count, mend])).toEqual([
      ['ptrace', 3n, '--seccomp 1'],
      ['others', 5n, ''],
    ]);
    expect(countedDenials({ level: 2, calls: [[ptrace, 3, 7]], others: 0 })).toHaveLength(1);
  });
});
