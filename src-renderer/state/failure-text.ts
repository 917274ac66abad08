/** A failure in words, wherever it is told. */
import type { Failure } from '../../src-main/ipc/contract.ts';

/** What went wrong with what: `FILE: has mode 0644`. */
export function causeText({ object, reason }: Pick<Failure, 'object' | 'reason'>): string {
  return joined([object, reason], ': ');
}

/** The same with the layer of the kernel's that it happened in, for whoever looks into it: `exec: mkae: ENOENT`. */
export function layerText({ layer, ...failure }: Pick<Failure, 'layer' | 'object' | 'reason'>): string {
  return joined([layer, causeText(failure)], ': ');
}

/** What went wrong, then what to do. */
export function failureText(failure: Pick<Failure, 'object' | 'reason' | 'mend'>): string {
  return joined([causeText(failure), failure.mend], '. ');
}

function joined(parts: readonly string[], separator: string): string {
  return parts.filter((part) => part !== '').join(separator);
}
