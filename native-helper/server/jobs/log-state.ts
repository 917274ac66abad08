/** What has become of a job's output that its disk did not take in time, as its monitor tells it and as the API shows it. */
import { create } from '@bufbuild/protobuf';
import { LogPlace, type LogState, LogStateSchema } from '../../api/gen/joblet_pb.js';
import type * as z from '../../api/schema.ts';
import type { ExitRecord, logStateFields } from './exit-record.ts';
import { causeInWords } from './failure.ts';

type ToldLogState = {
  readonly [Name in keyof typeof logStateFields]: z.infer<(typeof logStateFields)[Name]>;
};

const PLACES = { disk: LogPlace.DISK, memory: LogPlace.MEMORY, spill: LogPlace.SPILL } as const;

/** Of a job that runs. */
export function toldLogState(told: ToldLogState): LogState {
  return create(LogStateSchema, {
    place: PLACES[told.place],
    blocked: told.blocked,
    every: told.every,
    cause: causeInWords(told.errno, ''),
    waitingBytes: BigInt(told.waiting_bytes),
    lostLines: BigInt(told.lost_lines),
    lostBytes: BigInt(told.lost_bytes),
  });
}

/** Of a job that has ended: what waited is written, or lost. */
export function finalLogState({ log_lost }: Pick<ExitRecord, 'log_lost'>): LogState {
  return create(LogStateSchema, {
    place: LogPlace.DISK,
    every: 1,
    lostLines: BigInt(log_lost?.lines ?? 0),
    lostBytes: BigInt(log_lost?.bytes ?? 0),
  });
}

/** All is in the log, or on its way there. */
export function isAsUsual({ place, blocked, cause, lostBytes }: LogState): boolean {
  return place === LogPlace.DISK && !blocked && cause === '' && lostBytes === 0n;
}
