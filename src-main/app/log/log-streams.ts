import { type LogChunk, LogStream } from '../../../native-helper/api/gen/joblet_pb.js';
import type { LogPiece } from '../../ipc/contract.ts';

/** From the window's names to the helper's. */
export const LOG_STREAMS = {
  both: LogStream.UNSPECIFIED,
  stdout: LogStream.STDOUT,
  stderr: LogStream.STDERR,
} as const;

export function streamNameOf({ stream }: LogChunk): LogPiece['stream'] {
  return stream === LogStream.STDERR ? 'stderr' : 'stdout';
}
