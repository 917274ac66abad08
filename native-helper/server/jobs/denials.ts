/** What a job's filter has denied it, as its monitor tells it and as the API shows it. */
import { create } from '@bufbuild/protobuf';
import { type Denial, DenialSchema } from '../../api/gen/joblet_pb.js';
import { explainDenial } from '../seccomp/explain.ts';
import { ownArchitecture } from '../seccomp/programs.ts';

/** A row of exit.json. */
type CountedCall = readonly [call: number, count: number, firstUs: number];

export interface DeniedCall {
  readonly level: number;
  readonly call: number;
  readonly first_us: number;
}

interface DeniedCalls {
  readonly level: number;
  readonly calls: readonly CountedCall[];
  /** Calls of further kinds. */
  readonly others: number;
}

/** Of a job that has ended. */
export function countedDenials({ level, calls, others }: DeniedCalls): Denial[] {
  const counted = calls.map(([call, count, firstUs]) => denial(level, call, count, firstUs));
  const rest = create(DenialSchema, { call: 'others', count: BigInt(others) });
  return others === 0 ? counted : [...counted, rest];
}

/** With a call that a running job was denied; a monitor tells each helper anew of those that it knows. */
export function withDenial(denials: readonly Denial[], { level, call, first_us }: DeniedCall): Denial[] {
  const added = denial(level, call, 0, first_us);
  return denials.some((each) => each.call === added.call) ? [...denials] : [...denials, added];
}

function denial(level: number, call: number, count: number, firstUs: number): Denial {
  return create(DenialSchema, {
    ...explainDenial(ownArchitecture(), level, call),
    count: BigInt(count),
    firstUs: BigInt(firstUs),
  });
}
