/** Which rows are chosen, and where the keyboard stands among them. By id, so that rows may move meanwhile. */

export interface Selection {
  readonly chosen: ReadonlySet<string>;
  /** From where Shift extends. */
  readonly anchor: string | undefined;
  readonly cursor: string | undefined;
}

/** The rows in the order in which they are shown now. */
export interface Order {
  readonly size: number;
  at(index: number): string | undefined;
  /** @returns -1 when it is not shown */
  indexOf(uuid: string): number;
}

export const NOTHING_CHOSEN: Selection = { chosen: new Set(), anchor: undefined, cursor: undefined };

export function choose(uuid: string): Selection {
  return { chosen: new Set([uuid]), anchor: uuid, cursor: uuid };
}

/** Adds it to the others, or takes it away from them. */
export function toggle({ chosen }: Selection, uuid: string): Selection {
  const changed = new Set(chosen);
  if (!changed.delete(uuid)) {
    changed.add(uuid);
  }
  return { chosen: changed, anchor: uuid, cursor: uuid };
}

/** All between the anchor and it. An anchor that is no longer shown is no anchor. */
export function extend({ anchor }: Selection, uuid: string, order: Order): Selection {
  const from = anchor === undefined ? -1 : order.indexOf(anchor);
  const to = order.indexOf(uuid);
  if (from === -1 || to === -1 || anchor === undefined) {
    return choose(uuid);
  }
  const first = Math.min(from, to);
  const between = Array.from(
    { length: Math.abs(from - to) + 1 },
    (_, step) => order.at(first + step) as string,
  );
  return { chosen: new Set(between), anchor, cursor: uuid };
}

export function move(selection: Selection, uuid: string): Selection {
  return { ...selection, cursor: uuid };
}

export function chooseAll({ anchor, cursor }: Selection, order: Order): Selection {
  const all = Array.from({ length: order.size }, (_, index) => order.at(index) as string);
  return { chosen: new Set(all), anchor, cursor };
}

/** Those of the chosen that are shown: nothing is ever done to a row that nobody sees. */
export function shownOf({ chosen }: Selection, isShown: (uuid: string) => boolean): string[] {
  return [...chosen].filter(isShown);
}

/** Where a key leads among `size` rows; undefined: it is no key that moves. */
export function target(key: string, index: number, size: number, pageRows: number): number | undefined {
  const wanted = {
    ArrowUp: index - 1,
    ArrowDown: index + 1,
    PageUp: index - pageRows,
    PageDown: index + pageRows,
    Home: 0,
    End: size - 1,
  }[key];
  return wanted === undefined || size === 0 ? undefined : Math.min(size - 1, Math.max(0, wanted));
}
