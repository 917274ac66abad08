/** What TypeScript needs to know of electron.mjs, which runs before there is a compiler. */
export interface Electron {
  /** The folder that holds it. */
  readonly directory: string;
  readonly executable: string;
  readonly version: string;
  readonly isStandIn: boolean;
}

/** What is there already; nothing is downloaded. */
export function findElectron(): Electron | undefined;
