/** The groups of who asked for a job, as the kernel recorded them when they connected. */
export interface CallerGroups {
  readonly gid: number;
  /** Supplementary. */
  readonly groups: readonly number[];
}

/** Who asked for a job: what their files are opened as. */
export interface Caller extends CallerGroups {
  readonly uid: number;
}

/** The kernel's overflow gid: of nobody whose groups are known. */
export const NO_GROUPS: CallerGroups = { gid: 65_534, groups: [] };
