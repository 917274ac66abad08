/** What is wrong with each field of a request, in words. */
import { text } from '../text.ts';

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly code?: string | undefined;
  readonly message: string;
  readonly minimum?: number | bigint | undefined;
  readonly maximum?: number | bigint | undefined;
}

/** @param tell a bound, in the unit in which the field is typed */
export function faultsOf(
  error: { readonly issues: readonly Issue[] } | undefined,
  tell: (bound: number | bigint) => string = String,
): Readonly<Record<string, string>> {
  const faults = (error?.issues ?? []).map((issue) => [String(issue.path[0]), messageOf(issue, tell)]);
  return Object.fromEntries(faults);
}

function messageOf(
  { code, minimum, maximum, message }: Issue,
  tell: (bound: number | bigint) => string,
): string {
  if (code === 'too_small' && minimum !== undefined) {
    return text.newJob.atLeast(tell(minimum));
  }
  return code === 'too_big' && maximum !== undefined ? text.newJob.atMost(tell(maximum)) : message;
}
