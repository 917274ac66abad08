import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../ipc/contract.ts';
import {
  type Attempt,
  afterAttempt,
  afterLoss,
  afterStart,
  type Facts,
  linkStateOf,
  NOTHING_KNOWN,
  type Start,
} from './link-state.ts';

const failure = (reason: string): Failure => ({
  kind: 'refused',
  layer: 'x',
  operation: 'y',
  object: 'z',
  reason,
  mend: '',
});
const answered = (isOwnBuild = true): Attempt => ({
  outcome: 'answered',
  version: '1.0.0',
  nodeId: 'here',
  isOwnBuild,
});
const absent: Attempt = { outcome: 'absent', command: null };
const neverInstalled: Attempt = { outcome: 'absent', command: 'sudo it' };
const silent: Attempt = { outcome: 'silent', failure: failure('hangs') };
const refused: Attempt = { outcome: 'refused', failure: failure('no') };

type Step = Attempt | Start | 'loss';
const after = (facts: Facts, step: Step): Facts =>
  step === 'loss'
    ? afterLoss(facts, 7)
    : 'outcome' in step
      ? afterAttempt(facts, step)
      : afterStart(facts, step);
const said = (...steps: Step[]) => linkStateOf(steps.reduce(after, NOTHING_KNOWN));
const underWay: Start = { step: 'under way' };
const failed: Start = { step: 'failed', failure: failure('dismissed') };

describe('what is said of the helper', () => {
  it.each([
    ['before the first attempt', [], 'connecting'],
    ['where nothing was ever installed', [neverInstalled], 'not-installed'],
    ['where it does not run', [absent], 'not-running'],
    ['where it refuses us', [refused], 'refused'],
    ['where it is there and does not answer', [silent], 'silent'],
    ['after it went away and does not answer', [answered(), 'loss', silent], 'silent'],
    ['where it answers', [answered()], 'connected'],
    ['where one of another build answers', [answered(false)], 'other-version'],
    ['while it is started', [absent, underWay, absent], 'starting'],
    ['while one of another build is replaced', [answered(false), underWay], 'starting'],
    ['while the one that was replaced is gone', [answered(false), underWay, 'loss', absent], 'starting'],
    ['when the prompt was dismissed', [absent, underWay, failed, absent], 'start-failed'],
    ['when it was started from a terminal then', [absent, failed, answered()], 'connected'],
    ['when the failed start brought another fault to light', [absent, failed, refused], 'refused'],
    [
      'when only a terminal can install it',
      [absent, { step: 'needs command', command: 'x' }],
      'not-installed',
    ],
    ['after it went away', [answered(), 'loss'], 'lost'],
    ['after it went away and does not come', [answered(), 'loss', absent, absent], 'lost'],
    ['after it went away and was removed', [answered(), 'loss', neverInstalled], 'not-installed'],
    ['after it came back and refuses', [answered(), 'loss', refused], 'refused'],
    ['after it came back', [answered(), 'loss', absent, answered()], 'connected'],
    ['after it came back in another build', [answered(), 'loss', answered(false)], 'other-version'],
  ] as [string, Step[], string][])('%s', (_when, steps, state) => {
    expect(said(...steps).state).toBe(state);
  });

  it('keeps the command that replaces one of another build, until that one is gone', () => {
    const needsCommand: Start = { step: 'needs command', command: 'x' };
    expect(said(answered(false), underWay, needsCommand, answered(false))).toMatchObject({
      state: 'other-version',
      command: 'x',
    });
    expect(said(answered(false), needsCommand, 'loss', answered(false))).toMatchObject({ command: null });
  });

  it('tells since when it is gone, whatever was tried since', () => {
    expect(said(answered(), 'loss', refused, absent)).toEqual({ state: 'lost', sinceUs: 7 });
  });
});

describe('in whatever order things happen', () => {
  const step = fc.constantFrom<Step>(
    answered(),
    answered(false),
    absent,
    neverInstalled,
    refused,
    silent,
    'loss',
    underWay,
    failed,
    { step: 'none' },
    { step: 'needs command', command: 'x' },
  );
  const history = fc.array(step, { maxLength: 30 });

  it('a helper of our build that answers is connected, and nothing else is', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const facts = steps.reduce(after, NOTHING_KNOWN);
        const isOwn = facts.attempt.outcome === 'answered' && facts.attempt.isOwnBuild;
        expect(linkStateOf(facts).state === 'connected').toBe(isOwn);
      }),
    );
  });

  it('an answer and no start under way leave nothing of what was before', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const facts = afterAttempt(
          afterStart(steps.reduce(after, NOTHING_KNOWN), { step: 'none' }),
          answered(),
        );
        expect(facts).toEqual(afterAttempt(NOTHING_KNOWN, answered()));
      }),
    );
  });

  it('it is started only while a start is under way, and lost only after it was there', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const facts = steps.reduce(after, NOTHING_KNOWN);
        const { state } = linkStateOf(facts);
        expect(state !== 'starting' || facts.start.step === 'under way').toBe(true);
        expect(state !== 'lost' || steps.includes('loss')).toBe(true);
      }),
    );
  });

  it('the same attempt twice says the same', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const facts = steps.reduce(after, NOTHING_KNOWN);
        expect(linkStateOf(afterAttempt(facts, facts.attempt))).toEqual(linkStateOf(facts));
      }),
    );
  });
});
