/** What every call passes through: unknown fields are refused, and errors leave in one shape. */
import { type DescMessage, isMessage, type Message } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { causeOf, JobletError } from '../../api/errors.ts';
import { toConnectError } from '../../api/failure.ts';
import type { Logger } from '../log.ts';

/** A field that we don't know may be one that changes what the request means. */
export const refuseUnknownFields: Interceptor = (next) => async (request) => {
  if (request.stream) {
    return next({ ...request, message: checkEach(request.message) });
  }
  refuseUnknown(request.message);
  return next(request);
};

async function* checkEach<T extends Message>(messages: AsyncIterable<T>): AsyncIterable<T> {
  for await (const message of messages) {
    refuseUnknown(message);
    yield message;
  }
}

function refuseUnknown(message: Message): void {
  const [unknown] = message.$unknown ?? [];
  if (unknown !== undefined) {
    throw new JobletError('invalid', {
      layer: 'transport',
      operation: 'parse',
      object: message.$typeName,
      reason: `field number ${unknown.no} is not known to this helper`,
      mend: 'Use a client of the same version as the helper, or restart the helper after an update.',
    });
  }
  for (const value of Object.values(message)) {
    for (const nested of nestedMessages(value)) {
      refuseUnknown(nested);
    }
  }
}

/** Messages in a field: one, a list, a map, or a oneof. */
function nestedMessages(value: unknown): Message[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
    return [];
  }
  return isMessage(value) ? [value] : Object.values(value).filter((each) => isMessage(each));
}

/** A JobletError keeps what it says. Anything else is a fault of ours: told to the log, not to the client. */
export function mapErrors(logger: Logger): Interceptor {
  const toClient = (error: unknown, method: string): ConnectError => {
    if (error instanceof ConnectError) {
      return error;
    }
    if (error instanceof JobletError) {
      if (error.kind === 'internal') {
        logger.error({ err: error, method }, 'a call failed');
      }
      return toConnectError(error);
    }
    if (isOfClientGone(error)) {
      return new ConnectError('the call was cancelled', Code.Canceled);
    }
    if (['EMFILE', 'ENFILE'].includes(causeOf(error))) {
      return toConnectError(outOfDescriptors(method, causeOf(error)));
    }
    logger.error({ err: error, method }, 'a call failed');
    const details = { layer: 'helper', operation: method, object: '', reason: 'an internal fault' };
    return toConnectError(
      new JobletError('internal', { ...details, mend: "The helper's log has the details." }),
    );
  };
  return (next) => async (request) => {
    const method = `${request.service.typeName}/${request.method.name}`;
    try {
      const response = await next(request);
      return response.stream
        ? {
            ...response,
            message: whole(response.message, request.signal, (error) => toClient(error, method)),
          }
        : response;
    } catch (error) {
      throw toClient(error, method);
    }
  };
}

/** Each log that is read takes two descriptors. */
function outOfDescriptors(operation: string, reason: string): JobletError {
  const mend = 'End some calls that read logs, or raise the limit on open files of the helper.';
  return new JobletError('exhausted', { layer: 'helper', operation, object: '', reason, mend });
}

/** The connection was closed while an answer was on its way: Node cancels the write (ECANCELED), or aborts the call. */
function isOfClientGone(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || causeOf(error) === 'ECANCELED');
}

/**
 * A stream that was cut off must not look like one that has come to its end: what is aborted may just stop, and then ends with
 * the reason, which is that the helper ends, or that time is over.
 */
async function* whole<T extends Message<DescMessage['typeName']>>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  map: (error: unknown) => ConnectError,
): AsyncIterable<T> {
  try {
    yield* messages;
    signal.throwIfAborted();
  } catch (error) {
    throw map(error);
  }
}
