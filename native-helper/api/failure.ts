/** How a JobletError crosses the API: a status code for any gRPC client, a `joblet.v1.Failure` detail for ours. */
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorKind, JobletError } from './errors.ts';
import { FailureSchema } from './gen/joblet_pb.js';

/** One code a kind, so that the kind is known again on the other side. */
const CODE_OF_KIND: Readonly<Record<ErrorKind, Code>> = {
  invalid: Code.InvalidArgument,
  not_found: Code.NotFound,
  conflict: Code.FailedPrecondition,
  refused: Code.PermissionDenied,
  exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  internal: Code.Internal,
};

const KIND_OF_CODE: ReadonlyMap<Code, ErrorKind> = new Map(
  (Object.entries(CODE_OF_KIND) as [ErrorKind, Code][]).map(([kind, code]) => [code, kind]),
);

export function toConnectError(error: JobletError): ConnectError {
  const { layer, operation, object, reason, mend } = error.details;
  const failure = { layer, operation, object, cause: reason, mend };
  return new ConnectError(error.message, CODE_OF_KIND[error.kind], undefined, [
    { desc: FailureSchema, value: create(FailureSchema, failure) },
  ]);
}

/** undefined when the error does not come from our own helper's code. */
export function fromConnectError(error: ConnectError): JobletError | undefined {
  const [failure] = error.findDetails(FailureSchema);
  if (failure === undefined) {
    return undefined;
  }
  const { layer, operation, object, cause, mend } = failure;
  return new JobletError(
    KIND_OF_CODE.get(error.code) ?? 'internal',
    { layer, operation, object, reason: cause, mend },
    { cause: error },
  );
}
