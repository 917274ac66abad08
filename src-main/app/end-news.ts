/** What a notification says of jobs that ended. Names come from anywhere: nothing of them may be markup or look like another. */
import type { Job, JobSpec } from '../../native-helper/api/gen/joblet_pb.js';
import { formatDuration } from '../cli/arguments/duration.ts';
import { escapeControlCharacters } from '../cli/format/escape.ts';
import type { Order, Settings } from '../ipc/contract.ts';
import { statusOf } from './job-shapes.ts';
import { text } from './text.ts';

export interface News {
  readonly title: string;
  readonly body: string;
  /** What a click on it asks of the window. */
  readonly order: Order;
}

/** More ends than this at one time are told in one sentence. */
const SINGLY = 3;
const NAME_CHARACTERS = 80;
const MS_PER_SECOND = 1000n;

/** @param jobs those that ended in about the same moment */
export function newsOf(jobs: readonly Job[], wish: Settings['notify']): News[] {
  const told = jobs.filter((job) => wish === 'all' || (wish === 'failures' && isFailure(job)));
  if (told.length <= SINGLY) {
    return told.map(newsOfOne);
  }
  const title = text.notifications.many(told.length, told.filter(isFailure).length);
  return [{ title, body: '', order: { order: 'open-page', page: 'jobs' } }];
}

function isFailure({ status }: Job): boolean {
  return ['FAILED', 'TIMEOUT', 'LOST'].includes(statusOf(status));
}

function newsOfOne(job: Job): News {
  const { uuid, spec, exitCode, startedUs, endedUs } = job;
  const sentences = [
    ...(exitCode === undefined || exitCode === 0 ? [] : [text.notifications.exitCode(exitCode)]),
    ...(startedUs === 0n ? [] : [text.notifications.after(durationOf(endedUs - startedUs))]),
  ];
  return {
    title: `${text.notifications.ended[statusOf(job.status)] ?? ''}: ${nameOf(uuid, spec)}`,
    body: sentences.join(' '),
    order: { order: 'open-job', uuid },
  };
}

/** What a notification calls a job. */
export function nameOf(uuid: string, spec: Pick<JobSpec, 'name' | 'command'> | undefined): string {
  return plainText(spec?.name || spec?.command || uuid.slice(0, 8));
}

/** Whole seconds from one second on. */
function durationOf(us: bigint): string {
  const ms = us < 0n ? 0n : us / 1000n;
  return formatDuration(ms < MS_PER_SECOND ? ms : ms - (ms % MS_PER_SECOND));
}

/**
 * Notification daemons read `<`, `>` and `&` as markup (Desktop Notifications Specification 1.2, "Markup") or show the
 * escapes for them, each as it likes: so look-alikes take their place.
 */
export function plainText(name: string): string {
  const characters = [...escapeControlCharacters(name)];
  const cut =
    characters.length > NAME_CHARACTERS ? [...characters.slice(0, NAME_CHARACTERS - 1), '…'] : characters;
  return cut.join('').replaceAll('<', '‹').replaceAll('>', '›').replaceAll('&', '＆');
}
