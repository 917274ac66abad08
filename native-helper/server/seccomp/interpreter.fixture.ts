/** A second reading of classic BPF, for tests alone: what the kernel would do with a program, and in how many steps. */
import type { Instruction } from './compile.ts';

export interface SystemCall {
  /** AUDIT_ARCH_* */
  readonly architecture: number;
  readonly number: number;
  /** Of 64 bits each; absent ones are 0. */
  readonly args: readonly bigint[];
}

export interface Run {
  readonly result: number;
  readonly steps: number;
  readonly readsArguments: boolean;
}

/** struct seccomp_data, little-endian; the instruction pointer in it stays 0. */
function dataOf({ architecture, number, args }: SystemCall): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  for (const [index, value] of args.entries()) {
    data.setBigUint64(16 + 8 * index, value, true);
  }
  return data;
}

/** @throws Error for whatever the kernel's checker (bpf_check_classic, seccomp_check_filter) would refuse on this path. */
export function run(program: readonly Instruction[], call: SystemCall): Run {
  const data = dataOf(call);
  let accumulator = 0;
  let readsArguments = false;
  let at = 0;
  for (let steps = 1; ; steps += 1) {
    const instruction = program[at];
    if (instruction === undefined) {
      throw new Error(`ran out of the program at ${at}`);
    }
    const { code, ifTrue, ifFalse, operand } = instruction;
    at += 1;
    switch (code) {
      case 0x20:
        readsArguments ||= operand >= 8;
        accumulator = data.getUint32(operand, true);
        break;
      case 0x54:
        accumulator = (accumulator & operand) >>> 0;
        break;
      case 0x05:
        at += operand;
        break;
      case 0x15:
        at += accumulator === operand >>> 0 ? ifTrue : ifFalse;
        break;
      case 0x35:
        at += accumulator >= operand >>> 0 ? ifTrue : ifFalse;
        break;
      case 0x06:
        return { result: operand >>> 0, steps, readsArguments };
      default:
        throw new Error(`instruction ${code} at ${at - 1}`);
    }
  }
}
