/** A command in a running job for one caller. It ends with the call, and the call ends with it. */
import { create } from '@bufbuild/protobuf';
import {
  type ExecEnd,
  ExecEndSchema,
  type ExecJobRequest,
  type ExecJobResponse,
  ExecJobResponseSchema,
  type ExecStart,
  ExecStartedSchema,
  InputClosedSchema,
} from '../../api/gen/joblet_pb.js';
import * as z from '../../api/schema.ts';
import { causeInWords, failureOf } from './failure.ts';
import { checkedSize, malformed, notTaken, type Session } from './session.ts';
import { endOfInputOrder, execOrder, type SessionFrame } from './session-frames.ts';

/** docs/monitor-protocol.md */
const MAX_ARGUMENTS = 1024;
const TERM = /^(?!\.)[A-Za-z0-9_+.-]{0,64}$/;

export interface Execution {
  readonly uuid: string;
  readonly session: Session;
  readonly hasTerminal: boolean;
  /** Of `orderOf`. */
  readonly order: Buffer;
  /** What comes after the start. */
  readonly messages: AsyncIterable<ExecJobRequest>;
}

/** @throws JobletError (invalid) naming what is out of its bounds. */
export function orderOf({ command, args, terminal, stdin, term }: ExecStart): Buffer {
  const argv = [command, ...args];
  if (command === '') {
    throw malformed('command', 'is missing');
  }
  if (argv.length > MAX_ARGUMENTS) {
    throw malformed('args', `are more than ${MAX_ARGUMENTS - 1}`);
  }
  if (argv.some((argument) => argument.includes('\0'))) {
    throw malformed('args', 'must not hold a NUL character');
  }
  if (!TERM.test(term)) {
    throw malformed('term', 'is no name of a terminal');
  }
  const size = terminal && checkedSize(terminal);
  try {
    return execOrder({ argv, terminal: size, hasInput: stdin || size !== undefined, term });
  } catch (error) {
    throw malformed('args', `are too long: ${(error as RangeError).message}`);
  }
}

export async function* execJob({
  uuid,
  session,
  hasTerminal,
  order,
  messages,
}: Execution): AsyncGenerator<ExecJobResponse> {
  await session.send(order);
  let fault: unknown;
  for await (const frame of session.frames()) {
    const { event, payload } = frame;
    switch (event) {
      case 'started':
        passOn(session, messages, hasTerminal).catch((error: unknown) => {
          fault = error;
          session[Symbol.dispose]();
        });
        yield answer({ case: 'started', value: create(ExecStartedSchema) });
        break;
      case 'stdout':
      case 'stderr':
        // A copy: what the socket has read into is used again.
        yield answer({ case: event, value: Uint8Array.from(payload) });
        break;
      case 'inputClosed':
        yield answer({ case: 'inputClosed', value: create(InputClosedSchema) });
        break;
      case 'exited':
      case 'refused':
        yield answer({ case: 'ended', value: endOf(frame) });
        return;
      default:
        throw new Error(`a monitor said ${event} of a command`);
    }
  }
  throw fault ?? notTaken(uuid);
}

/** Who sends nothing any more has no more input. */
async function passOn(
  session: Session,
  messages: AsyncIterable<ExecJobRequest>,
  hasTerminal: boolean,
): Promise<void> {
  await session.obey(messages, !hasTerminal);
  if (!hasTerminal) {
    await session.send(endOfInputOrder());
  }
}

function answer(event: ExecJobResponse['event']): ExecJobResponse {
  return create(ExecJobResponseSchema, { event });
}

const failureSchema = z.strictObject({
  layer: z.string(),
  operation: z.string(),
  object: z.string(),
  errno: z.int(),
  message: z.string(),
});

function endOf({ event, payload }: SessionFrame): ExecEnd {
  const exitCode = payload.readUInt32LE(0);
  if (event === 'exited') {
    const signal = payload.readUInt32LE(4);
    return create(ExecEndSchema, { exitCode, ...(signal > 0 && { signal }) });
  }
  const { layer, operation, object, errno, message } = failureSchema.parse(
    JSON.parse(payload.toString('utf8', 4)),
  );
  const failure = failureOf({ layer, operation, object, cause: causeInWords(errno, message) });
  return create(ExecEndSchema, { exitCode, failure });
}
