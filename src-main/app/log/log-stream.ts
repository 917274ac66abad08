/**
 * A job's log for the view: every byte once, across restarts of the helper. A view that is far behind the end of a log that
 * grows may jump near to the end, and is told what was left out: the log itself has all.
 */
import { type Client, isInterruption } from '../../client/index.ts';
import { noteOf } from '../../client/log-note.ts';
import type { LogItem, StreamPayload } from '../../ipc/contract.ts';
import type { Link } from '../link.ts';
import { pieceOf } from './log-parts.ts';
import { LOG_STREAMS } from './log-streams.ts';

/** A view so far behind the end will not catch up with a job that writes faster than it draws. */
const BEHIND_BYTES = 4 * 1024 * 1024;
/** So far before the end it goes on. */
const KEPT_BYTES = 256 * 1024;

type LogRequest = StreamPayload<'log'>;

/** What survives an interruption. */
interface Position {
  /** Of the next byte. */
  offset: number;
}

export async function* streamLog(
  link: Link,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<LogItem> {
  let position: Position | undefined;
  let isResuming = false;
  while (!signal.aborted) {
    const client = await link.connected(signal);
    try {
      if (position === undefined) {
        position = { offset: await firstOffset(client, request, signal) };
        if (!('offset' in request.from) && position.offset > 0) {
          yield { kind: 'skipped', from: 0, to: position.offset };
        }
      }
      if (isResuming) {
        isResuming = false;
        yield { kind: 'resumed' };
      }
      yield* follow(client, request, position, signal);
      return;
    } catch (error) {
      if (signal.aborted || !isInterruption(error)) {
        throw error;
      }
      isResuming = true;
      yield { kind: 'interrupted' };
      await link.afterLossOf(client, signal);
    }
  }
}

async function firstOffset(client: Client, { uuid, from }: LogRequest, signal: AbortSignal): Promise<number> {
  if ('offset' in from) {
    return from.offset;
  }
  const { logBytes } = await client.jobs.getJob({ id: uuid }, { signal });
  return Math.max(0, Number(logBytes) - from.tailBytes);
}

async function* follow(
  client: Client,
  request: LogRequest,
  position: Position,
  signal: AbortSignal,
): AsyncGenerator<LogItem> {
  for (;;) {
    const target = yield* readUntilBehind(client, request, position, signal);
    if (target === undefined) {
      return;
    }
    yield { kind: 'skipped', from: position.offset, to: target };
    position.offset = target;
  }
}

/** @returns where to go on when the view has fallen behind; undefined at the end of the log. */
async function* readUntilBehind(
  client: Client,
  { uuid, stream, maySkip }: LogRequest,
  position: Position,
  signal: AbortSignal,
): AsyncGenerator<LogItem, number | undefined> {
  const request = { id: uuid, offset: BigInt(position.offset), stream: LOG_STREAMS[stream], follow: true };
  for await (const chunk of client.jobs.getLogs(request, { signal })) {
    const end = Number(chunk.offset) + chunk.data.length;
    if (maySkip && Number(chunk.logBytes) - end > BEHIND_BYTES) {
      return Number(chunk.logBytes) - KEPT_BYTES;
    }
    position.offset = end;
    const text = noteOf(chunk);
    if (text !== undefined) {
      yield { kind: 'note', offset: Number(chunk.offset), text };
      continue;
    }
    yield { kind: 'data', ...pieceOf(chunk, chunk.data), logBytes: Number(chunk.logBytes) };
  }
  return undefined;
}
