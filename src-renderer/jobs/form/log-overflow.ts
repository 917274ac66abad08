/** What a job does whose output the disk does not take in time: one of two words, as on the command line. */
import { LOG_OVERFLOW } from '../../../src-main/ipc/contract.ts';
import type { CheckedJobSpec } from '../../state/job-spec.ts';
import { text } from '../../text.ts';
import type { Typed } from './units.ts';

type Choice = CheckedJobSpec['logOverflow'];

export function parseLogOverflow(typed: string): Typed<Choice> {
  const word = typed.trim().toLowerCase();
  return word === 'continue' || word === 'block'
    ? { value: LOG_OVERFLOW[word] }
    : { fault: text.newJob.notAnOverflow };
}

/** @returns undefined where nothing was chosen. */
export function logOverflowText(value: Choice): 'continue' | 'block' | undefined {
  return (['continue', 'block'] as const).find((word) => LOG_OVERFLOW[word] === value);
}
