/** What a notification says of a job whose output the disk does not take in time, and what its page says. */
import { type Job, LogPlace, type LogState } from '../../native-helper/api/gen/joblet_pb.js';
import { counted } from '../client/log-note.ts';
import { type News, nameOf } from './end-news.ts';
import { text } from './text.ts';

/** In the order in which they get worse. */
const STEPS = ['disk', 'memory', 'spill', 'blocked', 'sampled'] as const;
type Step = (typeof STEPS)[number];

function stepOf(state: LogState | undefined): Step {
  if (state === undefined) {
    return 'disk';
  }
  if (state.every !== 1) {
    return 'sampled';
  }
  if (state.blocked) {
    return 'blocked';
  }
  return state.place === LogPlace.SPILL ? 'spill' : state.place === LogPlace.MEMORY ? 'memory' : 'disk';
}

/** @returns undefined when nothing got worse, or well again. */
export function logNewsOf(before: Job, { uuid, spec, logState }: Job): News | undefined {
  const [was, is] = [stepOf(before.logState), stepOf(logState)];
  const isWorse = STEPS.indexOf(is) > STEPS.indexOf(was);
  if (!isWorse && (was === is || is !== 'disk')) {
    return undefined;
  }
  return {
    title: `${text.log.steps[is]}: ${nameOf(uuid, spec)}`,
    body: logState === undefined ? '' : logStateText(logState),
    order: { order: 'open-job', uuid },
  };
}

/** Sentences; empty: all is in the log. */
export function logStateText(state: LogState): string {
  const { cause, waitingBytes, lostLines, lostBytes, every } = state;
  const step = stepOf(state);
  return [
    ...(step === 'disk' ? [] : [`${text.log.steps[step]}.`]),
    ...(cause === '' ? [] : [text.log.cause(cause)]),
    ...(waitingBytes === 0n ? [] : [text.log.waiting(counted(waitingBytes, 'byte'))]),
    ...(every === 1 ? [] : [text.log.every(every)]),
    ...(lostBytes === 0n ? [] : [text.log.lost(counted(lostLines, 'line'), counted(lostBytes, 'byte'))]),
  ].join(' ');
}
