/**
 * The app's standing with the helper: connects, holds a watch to notice at once when the helper goes away, and connects
 * again when it is back. Everything else of the app asks it for the client and hears of its state.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { JobletError } from '../../native-helper/api/errors.ts';
import type { JobEvent } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { type Client, connect, isInstalled } from '../client/index.ts';
import type { LinkState } from '../ipc/contract.ts';
import { failureOf } from '../ipc/failure.ts';
import { Observable } from './observable.ts';

/** Between two attempts, ms. The socket is on this machine: an attempt costs little. */
const RETRY_MS = 500;
/** How long an answer may take before the helper counts as not there. */
const ANSWER_MS = 10_000;

export interface LinkOptions {
  readonly root: string;
  /** The build that the app belongs to. */
  readonly buildId: string;
  /** What root has to run once where nothing is installed yet. */
  readonly installCommand: () => Promise<string>;
  /** Starts the helper as root; resolves when it answers. */
  readonly startHelper: () => Promise<void>;
}

export class Link implements Disposable {
  readonly state = new Observable<LinkState>({ state: 'connecting' });
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  readonly #client = new Observable<Client | undefined>(undefined);
  readonly #listeners = new Set<(event: JobEvent) => void>();
  #starting: Promise<void> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    void this.#stayConnected();
  }

  /** @throws JobletError (unavailable) at once when there is no connection now. */
  get client(): Client {
    const client = this.#client.value;
    if (client === undefined) {
      throw new JobletError('unavailable', {
        layer: 'link',
        operation: 'ask',
        object: 'the helper',
        reason: 'it does not answer now',
        mend: 'See what the bar at the top of the window says.',
      });
    }
    return client;
  }

  /** Waits for a connection as long as it takes; throws the signal's reason when that is aborted. */
  async connected(signal: AbortSignal): Promise<Client> {
    return (await this.#client.until((client) => client !== undefined, signal)) as Client;
  }

  /** Waits a moment for it to be noticed that this client's connection is gone. */
  async afterLossOf(client: Client, signal: AbortSignal): Promise<void> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(RETRY_MS)]);
    await this.#client.until((present) => present !== client, patience).catch(() => undefined);
  }

  /** Hears of every change of any job while the helper is there. */
  onJobEvent(listener: (event: JobEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Asks for root once; several who ask at the same time share the one prompt. */
  async start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }

  /** The next connection uses the new ones. */
  async rotateCertificates(authority: boolean): Promise<void> {
    const { client } = this;
    await client.helper.rotateCertificates({ authority });
    client.close();
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#client.value?.close();
  }

  async #start(): Promise<void> {
    this.state.set({ state: 'starting' });
    try {
      await this.#options.startHelper();
    } catch (error) {
      this.state.set({ state: 'start-failed', failure: failureOf(error) });
    }
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#serveOneConnection(signal);
      } catch (error) {
        await this.#tell(error);
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #serveOneConnection(signal: AbortSignal): Promise<void> {
    const client = await connect({ root: this.#options.root });
    try {
      const { buildId, version, nodeId } = await client.helper.getStatus({}, { timeoutMs: ANSWER_MS });
      const events = client.jobs.watchJobs({}, { signal });
      this.state.set(
        buildId === this.#options.buildId
          ? { state: 'connected', version, nodeId }
          : { state: 'other-version', version, nodeId },
      );
      this.#client.set(client);
      for await (const event of events) {
        for (const listener of this.#listeners) {
          listener(event);
        }
      }
    } finally {
      this.#client.set(undefined);
      client.close();
    }
  }

  /** What a failed attempt means for the state. A start that is under way, or has failed, is told until a connection is made. */
  async #tell(error: unknown): Promise<void> {
    if (this.#closing.signal.aborted) {
      return;
    }
    const { state } = this.state.value;
    if (state === 'connected' || state === 'other-version') {
      this.state.set({ state: 'lost', sinceUs: Date.now() * 1000 });
      return;
    }
    if (error instanceof JobletError && error.kind !== 'unavailable') {
      this.state.set({ state: 'refused', failure: failureOf(error) });
      return;
    }
    if (state === 'starting' || state === 'start-failed' || state === 'lost') {
      return;
    }
    this.state.set(await this.#absence());
  }

  async #absence(): Promise<LinkState> {
    return isInstalled(pathsUnder(this.#options.root))
      ? { state: 'not-running' }
      : { state: 'not-installed', command: await this.#options.installCommand() };
  }
}
