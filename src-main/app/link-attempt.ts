/** One attempt to reach the helper, and what its failure means. */
import { connect as connectSocket } from 'node:net';
import { JobletError } from '../../native-helper/api/errors.ts';
import { clientConfigOf, type Paths, pathsUnder } from '../../native-helper/api/paths.ts';
import { type Client, connect, isInstalled, isInterruption, ownSurroundings } from '../client/index.ts';
import { failureOf } from '../ipc/failure.ts';
import type { Attempt } from './link-state.ts';

/** How long an answer may take before the helper counts as stuck, ms. */
const ANSWER_MS = 8000;

export interface AttemptOptions {
  readonly root: string;
  /** The build that the app belongs to. */
  readonly buildId: string;
  /** What root has to run once where nothing is installed yet. */
  readonly installCommand: () => Promise<string>;
  /** ms; for tests. */
  readonly answerMs?: number;
}

export type Reached = Extract<Attempt, { outcome: 'answered' }>;

/** @throws JobletError; `missed` says what it means. */
export async function reach({
  root,
  buildId,
  answerMs = ANSWER_MS,
}: AttemptOptions): Promise<[Client, Reached]> {
  const client = await connect({ root });
  try {
    const status = await answerWithin(client, answerMs, root);
    const { version, nodeId } = status;
    return [client, { outcome: 'answered', version, nodeId, isOwnBuild: status.buildId === buildId }];
  } catch (error) {
    client.close();
    throw error;
  }
}

/** What an error of `reach` says of the helper. */
export async function missed(error: unknown, options: AttemptOptions): Promise<Attempt> {
  try {
    return await meaningOf(error, options);
  } catch (fault) {
    return { outcome: 'refused', failure: failureOf(fault) };
  }
}

async function meaningOf(error: unknown, { root, installCommand }: AttemptOptions): Promise<Attempt> {
  const paths = pathsUnder(root);
  const isUnconfigured =
    error instanceof JobletError && error.kind === 'unavailable' && error.details.layer === 'config';
  if (isUnconfigured && (await isListening(paths.socket))) {
    return { outcome: 'refused', failure: failureOf(notYetAllowed(paths)) };
  }
  if (error instanceof Silence) {
    return { outcome: 'silent', failure: failureOf(error) };
  }
  if (isUnconfigured || isInterruption(error)) {
    return { outcome: 'absent', command: isInstalled(paths) ? null : await installCommand() };
  }
  return { outcome: 'refused', failure: failureOf(error) };
}

async function answerWithin(client: Client, patienceMs: number, root: string) {
  const patience = AbortSignal.timeout(patienceMs);
  try {
    return await client.helper.getStatus({}, { signal: patience });
  } catch (error) {
    throw patience.aborted ? new Silence(patienceMs, pathsUnder(root)) : error;
  }
}

function isListening(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connectSocket(path);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

function notYetAllowed(paths: Paths): JobletError {
  const { uid } = ownSurroundings();
  return new JobletError('refused', {
    layer: 'config',
    operation: 'find',
    object: clientConfigOf(paths, uid),
    reason: `the helper runs, and does not allow uid ${uid} yet`,
    mend: `Start it from here, and it does; or ask the administrator to add ${uid} to allowed_uids.`,
  });
}

/** Waiting and asking again may mend it, and so does a start; its jobs go on either way. */
class Silence extends JobletError {
  constructor(patienceMs: number, { socket, helperLog }: Paths) {
    super('exhausted', {
      layer: 'transport',
      operation: 'ask',
      object: socket,
      reason: `the helper runs, and has not answered within ${patienceMs / 1000} s`,
      mend: `It is asked again. Its log is ${helperLog}.`,
    });
  }
}
