/**
 * The app's standing with the helper: connects, holds a watch to notice at once when the helper goes away, and connects
 * again when it is back. Everything else of the app asks it for the client and hears of its state.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { JobletError } from '../../native-helper/api/errors.ts';
import type { JobEvent } from '../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../client/index.ts';
import type { LinkState } from '../ipc/contract.ts';
import { failureOf } from '../ipc/failure.ts';
import { type AttemptOptions, missed, reach } from './link-attempt.ts';
import { afterAttempt, afterLoss, afterStart, type Facts, linkStateOf, NOTHING_KNOWN } from './link-state.ts';
import { Observable } from './observable.ts';

/** Between two attempts, ms. The socket is on this machine: an attempt costs little. */
const RETRY_MS = 500;
/** A helper that has refused is asked less often: it writes each of them into its log. */
const RETRY_REFUSED_MS = 3000;
/** From the end of a start to the connection, ms. */
const AFTER_START_MS = 10_000;

export interface LinkOptions extends AttemptOptions {
  /** Starts this build's helper as root, in place of one that runs; resolves when it answers. */
  readonly startHelper: () => Promise<void>;
}

export class Link implements Disposable {
  readonly state: Observable<LinkState>;
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  readonly #client = new Observable<Client | undefined>(undefined);
  readonly #listeners = new Set<(event: JobEvent) => void>();
  #facts = NOTHING_KNOWN;
  #starting: Promise<void> | undefined;
  /** Ends the wait for the next attempt. */
  #hurry = new AbortController();
  #isRenewing = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.state = new Observable(linkStateOf(this.#facts));
    void this.#stayConnected();
  }

  /** @throws JobletError at once when there is no connection now. */
  get client(): Client {
    const client = this.#client.value;
    if (client === undefined) {
      throw unreachable(this.state.value);
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

  /** Told at each new connection, and at the loss of one. */
  onConnection(listener: (client: Client | undefined) => void): Disposable {
    return this.#client.subscribe(listener);
  }

  /** Hears of every change of any job while the helper is there. */
  onJobEvent(listener: (event: JobEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /**
   * Asks for root once; several who ask at the same time share the one prompt. `state` tells what comes of it.
   *
   * @throws JobletError when it failed and a helper of another version goes on answering: `state` has that to tell.
   */
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
    this.#isRenewing = true;
    client.close();
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#client.value?.close();
  }

  async #start(): Promise<void> {
    this.#learn(afterStart(this.#facts, { step: 'under way' }));
    try {
      await this.#options.startHelper();
      this.#hurry.abort();
      const patience = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(AFTER_START_MS)]);
      await this.state.until(({ state }) => state === 'connected', patience).catch(() => undefined);
      this.#learn(afterStart(this.#facts, { step: 'none' }));
    } catch (error) {
      await this.#tellOfFailedStart(error);
    }
  }

  async #tellOfFailedStart(error: unknown): Promise<void> {
    const needsCommand =
      error instanceof JobletError &&
      error.details.layer === 'elevation' &&
      error.details.operation === 'install';
    if (needsCommand) {
      const command = await this.#options.installCommand();
      this.#learn(afterStart(this.#facts, { step: 'needs command', command }));
    } else if (this.#facts.attempt.outcome === 'answered') {
      this.#learn(afterStart(this.#facts, { step: 'none' }));
      throw error;
    } else {
      this.#learn(afterStart(this.#facts, { step: 'failed', failure: failureOf(error) }));
    }
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#attempt(signal);
      const isRefused = this.#facts.attempt.outcome === 'refused';
      const patience = AbortSignal.any([signal, this.#hurry.signal]);
      await delay(isRefused ? RETRY_REFUSED_MS : RETRY_MS, undefined, { signal: patience }).catch(
        () => undefined,
      );
      this.#hurry = new AbortController();
    }
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    try {
      const [client, reached] = await reach(this.#options);
      await this.#serve(client, signal, () => this.#learn(afterAttempt(this.#facts, reached)));
    } catch (error) {
      const attempt = await missed(error, this.#options);
      if (!signal.aborted) {
        this.#learn(afterAttempt(this.#facts, attempt));
      }
    }
  }

  /** Until the connection breaks, from whichever side. */
  async #serve(client: Client, signal: AbortSignal, onConnected: () => void): Promise<void> {
    try {
      const events = client.jobs.watchJobs({}, { signal });
      onConnected();
      this.#client.set(client);
      for await (const event of events) {
        for (const listener of this.#listeners) {
          listener(event);
        }
      }
    } catch {
      // Whatever it broke of, the next attempt tells whether the helper is there.
    } finally {
      client.close();
      this.#client.set(undefined);
    }
    if (this.#isRenewing) {
      this.#isRenewing = false;
      this.#hurry.abort();
    } else if (!signal.aborted) {
      this.#learn(afterLoss(this.#facts, Date.now() * 1000));
    }
  }

  #learn(facts: Facts): void {
    this.#facts = facts;
    const state = linkStateOf(facts);
    if (!isDeepStrictEqual(state, this.state.value)) {
      this.state.set(state);
    }
  }
}

/** Said of a request that can't even be sent. */
function unreachable(state: LinkState): JobletError {
  if (state.state === 'refused' || state.state === 'silent' || state.state === 'start-failed') {
    const { kind, ...details } = state.failure;
    return new JobletError(kind, details);
  }
  const reasons: Readonly<Partial<Record<LinkState['state'], string>>> = {
    connecting: 'it has not answered yet',
    'not-installed': 'it is not installed',
    'not-running': 'it is not running',
    starting: 'it is being started',
    lost: 'it went away',
  };
  return new JobletError('unavailable', {
    layer: 'link',
    operation: 'ask',
    object: 'the helper',
    reason: reasons[state.state] ?? 'the connection is being made anew',
    mend: '',
  });
}
