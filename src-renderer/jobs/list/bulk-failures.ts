import type { Failure } from '../../../src-main/ipc/contract.ts';

/** Jobs with which the same went wrong. */
export interface FailedGroup {
  readonly failure: Failure;
  readonly uuids: readonly string[];
}

/** The most frequent reason first. */
export function groupsOf(
  failed: readonly { readonly uuid: string; readonly failure: Failure }[],
): FailedGroup[] {
  const groups = Map.groupBy(failed, ({ failure: { layer, reason, mend } }) =>
    JSON.stringify([layer, reason, mend]),
  );
  return [...groups.values()]
    .map((group) => ({
      failure: (group[0] as (typeof group)[number]).failure,
      uuids: group.map(({ uuid }) => uuid),
    }))
    .sort((one, other) => other.uuids.length - one.uuids.length);
}
