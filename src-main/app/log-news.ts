/** What a notification says of a job whose output the disk does not take in time. */
import type { Job } from '../../native-helper/api/gen/joblet_pb.js';
import { type News, nameOf } from './end-news.ts';
import { logStateText, STEPS, stepOf } from './log-state-text.ts';
import { text } from './text.ts';

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
