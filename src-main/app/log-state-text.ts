/** What has become of a job's output that the disk does not take in time, in words. */
import { LogPlace, type LogState } from '../../native-helper/api/gen/joblet_pb.js';
import { counted } from '../client/log-note.ts';
import { text } from './text.ts';

/** In the order in which they get worse. */
export const STEPS = ['disk', 'memory', 'spill', 'blocked', 'sampled'] as const;
type Step = (typeof STEPS)[number];

export function stepOf(state: LogState | undefined): Step {
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
