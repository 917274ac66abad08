import { closeSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSealedMemfd } from '../../kernel/memfd.ts';
import { loadAssets } from '../assets.ts';
import { encodeInstructions } from './compile.ts';
import { measureFilter } from './cost.ts';
import { seccompProgram } from './programs.ts';

/** <linux/seccomp.h>, <linux/bpf_common.h> */
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;
const ERRNO_EPERM = 0x0005_0001;
const ALLOW = 0x7fff_0000;
const returning = (operand: number) => ({ code: RETURN, ifTrue: 0, ifFalse: 0, operand });
/** <asm/unistd.h> */
const GETPPID = process.arch === 'arm64' ? 173 : 110;
const DENYING = encodeInstructions([
  { code: LOAD_WORD, ifTrue: 0, ifFalse: 0, operand: 0 },
  { code: JUMP_EQUAL, ifTrue: 0, ifFalse: 1, operand: GETPPID },
  returning(ERRNO_EPERM),
  returning(ALLOW),
]);

let executorFd: number;
beforeAll(() => {
  executorFd = createSealedMemfd('joblet-executor', loadAssets().executor);
});
afterAll(() => closeSync(executorFd));

it.each([1, 2, 3])('measures level %i', async (level) => {
  const cost = await measureFilter(executorFd, seccompProgram(level)?.instructions as Uint8Array);
  expect(cost.bareNs).toBeGreaterThan(1);
  expect(cost.filteredNs).toBeGreaterThan(1);
});

it('sees what a slow filter costs: one that works through thousands of instructions at each call', async () => {
  // Reading an argument keeps the kernel from answering out of its bitmap.
  const argument = { code: LOAD_WORD, ifTrue: 0, ifFalse: 0, operand: 16 };
  const slow = encodeInstructions([...Array.from({ length: 4000 }, () => argument), returning(ALLOW)]);
  const { bareNs, filteredNs } = await measureFilter(executorFd, slow);
  expect(filteredNs - bareNs).toBeGreaterThan(200);
});

it.each([
  ['no program', Buffer.alloc(0)],
  ['half an instruction', Buffer.alloc(12)],
  ['more than the kernel takes', Buffer.alloc(8 * 4097)],
  ['one without an end', Buffer.alloc(8)],
  ['one that denies the call', DENYING],
])('has no figure for %s', async (_, program) => {
  await expect(measureFilter(executorFd, program)).rejects.toThrow('the kernel did not take the filter');
});
