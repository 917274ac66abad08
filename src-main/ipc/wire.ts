/** How the messages of the contract travel; what they say is in contract.ts. */

/** Electron's channels. */
export const WIRE = { request: 'joblet:request', cancel: 'joblet:cancel', stream: 'joblet:stream' } as const;

/** How the window opens a stream: it posts this to itself with one port, which the preload script passes on. */
export const STREAM_REQUEST = 'joblet:open-stream';

/** What main answers to a request; `failure` is one of the contract. */
export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: unknown };

/** What main sends through the port of a stream. */
export type StreamMessage =
  | { readonly kind: 'item'; readonly value: unknown }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly failure: unknown };

/** What the preload script puts into the window, as `window.joblet`. */
export interface Bridge {
  /** @param id names the request in `cancel`; not used twice by one window. */
  request(channel: string, id: number, payload: unknown): Promise<Answer>;
  cancel(id: number): void;
  /** Where a file or folder lies that the user dropped into the window; empty: nowhere on this machine. */
  pathOf(file: File): string;
}
