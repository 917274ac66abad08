/** What the app knows of the helper, and what it says of it. Without clock, socket or process: the rules alone. */
import type { Failure, LinkState } from '../ipc/contract.ts';

/** How the last attempt to reach the helper went. */
export type Attempt =
  | { readonly outcome: 'none yet' }
  | {
      readonly outcome: 'answered';
      readonly version: string;
      readonly nodeId: string;
      /** Whether it is of the same build as the app. */
      readonly isOwnBuild: boolean;
    }
  /** Nobody listens. `command` is what root has to run once where nothing was ever installed. */
  | { readonly outcome: 'absent'; readonly command: string | null }
  | { readonly outcome: 'refused'; readonly failure: Failure }
  /** Somebody listens, and does not answer. */
  | { readonly outcome: 'silent'; readonly failure: Failure };

/** How the last start that the user asked for went. */
export type Start =
  | { readonly step: 'none' }
  | { readonly step: 'under way' }
  | { readonly step: 'failed'; readonly failure: Failure }
  /** This build of the helper has to be installed first, and that only a terminal can do. */
  | { readonly step: 'needs command'; readonly command: string };

export interface Facts {
  readonly attempt: Attempt;
  readonly start: Start;
  /** When it went away after it had answered; undefined: it has never, or is back. Microseconds since the epoch. */
  readonly lostSinceUs: number | undefined;
}

export const NOTHING_KNOWN: Facts = {
  attempt: { outcome: 'none yet' },
  start: { step: 'none' },
  lostSinceUs: undefined,
};

/** Why a start failed is told until something is another way than it was then. */
export function afterAttempt(facts: Facts, attempt: Attempt): Facts {
  const isNews = attempt.outcome !== facts.attempt.outcome;
  return {
    attempt,
    start: isNews && facts.start.step !== 'under way' ? { step: 'none' } : facts.start,
    lostSinceUs: attempt.outcome === 'answered' ? undefined : facts.lostSinceUs,
  };
}

export function afterLoss(facts: Facts, nowUs: number): Facts {
  return { ...afterAttempt(facts, { outcome: 'none yet' }), lostSinceUs: nowUs };
}

export function afterStart(facts: Facts, start: Start): Facts {
  return { ...facts, start };
}

/** Of all that is known, the one thing that says best what to do now. */
export function linkStateOf(facts: Facts): LinkState {
  const { attempt, start } = facts;
  if (attempt.outcome === 'answered' && (attempt.isOwnBuild || start.step !== 'under way')) {
    const { version, nodeId, isOwnBuild } = attempt;
    const command = start.step === 'needs command' ? start.command : null;
    return isOwnBuild
      ? { state: 'connected', version, nodeId }
      : { state: 'other-version', version, nodeId, command };
  }
  switch (start.step) {
    case 'under way':
      return { state: 'starting' };
    case 'failed':
      return { state: 'start-failed', failure: start.failure };
    case 'needs command':
      return { state: 'not-installed', command: start.command };
    case 'none':
      return unreached(facts);
  }
}

function unreached({ attempt, lostSinceUs }: Facts): LinkState {
  if (attempt.outcome === 'refused' || attempt.outcome === 'silent') {
    return { state: attempt.outcome, failure: attempt.failure };
  }
  if (attempt.outcome === 'absent' && attempt.command !== null) {
    return { state: 'not-installed', command: attempt.command };
  }
  if (lostSinceUs !== undefined) {
    return { state: 'lost', sinceUs: lostSinceUs };
  }
  return { state: attempt.outcome === 'absent' ? 'not-running' : 'connecting' };
}
