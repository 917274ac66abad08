import { describe, expect, it } from 'vitest';
import { explainDenial, FOREIGN_CALL } from './explain.ts';
import { profileOf } from './levels.ts';
import { seccompProgram } from './programs.ts';
import { SYSCALLS } from './syscall-table.ts';

describe('explainDenial', () => {
  it.each([
    ['x64', 2, SYSCALLS.x64.ptrace, 'ptrace', '--seccomp 1'],
    ['arm64', 3, SYSCALLS.arm64.ptrace, 'ptrace', '--seccomp 1'],
    ['x64', 3, SYSCALLS.x64.memfd_create, 'memfd_create', '--seccomp 2'],
    ['x64', 3, SYSCALLS.x64.socket, 'socket', '--seccomp 2'],
    ['x64', 2, SYSCALLS.x64.socket, 'socket', '--seccomp 1'],
    ['x64', 2, SYSCALLS.x64.ioctl, 'ioctl', '--seccomp 0'],
    ['x64', 3, SYSCALLS.x64.unshare, 'unshare', '--seccomp 2'],
    ['x64', 2, SYSCALLS.x64.unshare, 'unshare', '--seccomp 0'],
    ['x64', 3, SYSCALLS.x64.io_uring_setup, 'io_uring_setup', '--seccomp 0'],
    ['x64', 2, SYSCALLS.x64.sendto, 'sendto', 'no --allow-connect and no --allow-bind'],
    ['x64', 0, SYSCALLS.x64.socket, 'socket', 'no --allow-connect and no --allow-bind'],
    ['x64', 0, FOREIGN_CALL, 'a call of another ABI', 'no --allow-connect and no --allow-bind'],
    ['x64', 1, SYSCALLS.x64.mount, 'mount', ''],
    ['x64', 2, FOREIGN_CALL, 'a call of another ABI', '--seccomp 0'],
    ['x64', 2, 5000, 'call 5000', '--seccomp 0'],
  ] as const)('on %s at level %i, of call %i', (architecture, level, number, call, mend) => {
    expect(explainDenial(architecture, level, number)).toEqual({ call, mend });
  });
});

describe('seccompProgram', () => {
  it('is compiled once a level, and is none at level 0', () => {
    expect(seccompProgram(0)).toBeUndefined();
    expect(seccompProgram(2)).toMatchObject({ level: 2, listen: true });
    expect(seccompProgram(2)).toBe(seccompProgram(2));
  });

  it('is never less than was asked for', () => {
    expect(() => seccompProgram(4)).toThrow(RangeError);
    expect(() => profileOf(0)).toThrow(RangeError);
  });
});
