/** From what a connection or a call dies of to words for a person. */
import { Code, ConnectError } from '@connectrpc/connect';
import { causeOf, type ErrorKind, type FailureDetails, JobletError } from '../../native-helper/api/errors.ts';
import { fromConnectError } from '../../native-helper/api/failure.ts';
import type { Endpoint } from './endpoint.ts';

/** How a connection that breaks in mid-call shows itself: the helper may be back in a moment. */
const INTERRUPTED: readonly Code[] = [Code.Unavailable, Code.Aborted, Code.Canceled, Code.Internal];
/** The same when the answer's head had come, and the connection was gone before its body was asked for. */
export const CUT_OFF = 'ERR_STREAM_PREMATURE_CLOSE';

/** OpenSSL's names of the alerts with which a server turns a certificate down. */
const CERTIFICATE_ALERT =
  /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR)/;
/** OpenSSL's and Node's names of what is wrong with a server's certificate: tls, X509 certificate error codes. */
const SERVER_CERTIFICATE =
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID|INVALID_(CA|PURPOSE))/;

/** The operation of faults that come before any call is answered. */
const CONNECT = 'connect';

type Told = readonly [kind: ErrorKind, details: Omit<FailureDetails, 'object'>];

/** @param method the call that failed, such as `RunJob`. */
export function toJobletError(error: unknown, endpoint: Endpoint, method: string): unknown {
  if (error instanceof JobletError || !(error instanceof ConnectError)) {
    return error;
  }
  const own = fromConnectError(error);
  if (own !== undefined) {
    return own;
  }
  const [kind, details] = connectionFault(rootCauseOf(error), endpoint) ?? callFault(error, method);
  return new JobletError(kind, { ...details, object: endpoint.socket }, { cause: error });
}

/** Whether the helper went away in mid-call or is not there (yet), as opposed to having answered. */
export function isInterruption(error: unknown): error is JobletError {
  return error instanceof JobletError && error.kind === 'unavailable' && error.details.layer === 'transport';
}

/** Whether it is not there, or hangs: of an interruption. */
export function isUnanswered({ details }: JobletError): boolean {
  return details.operation === CONNECT;
}

function connectionFault(code: string, endpoint: Endpoint): Told | undefined {
  const layer = 'transport';
  const operation = CONNECT;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    const reason = endpoint.isInstalled() ? 'the helper is not running' : 'the helper is not installed';
    return ['unavailable', { layer, operation, reason, mend: 'Start it with `joblet helper start`.' }];
  }
  if (code === 'ETIMEDOUT') {
    const mend = '`joblet helper start` replaces a helper that hangs; jobs go on.';
    return ['unavailable', { layer, operation, reason: 'the helper does not answer', mend }];
  }
  if (code === 'EACCES' || code.includes('ALERT_ACCESS_DENIED')) {
    const mend = `Ask the administrator to add ${endpoint.uid} to allowed_uids in the helper's configuration.`;
    return ['refused', { layer, operation, reason: `the helper does not allow uid ${endpoint.uid}`, mend }];
  }
  if (code.includes('ALERT_INTERNAL_ERROR')) {
    return [
      'exhausted',
      {
        layer,
        operation,
        reason: 'the helper has too many connections',
        mend: 'Close some, then try again.',
      },
    ];
  }
  const mend = 'Start the helper again with `joblet helper start`, and use the file that it writes.';
  if (CERTIFICATE_ALERT.test(code)) {
    return ['refused', { layer, operation, reason: `the helper refuses the certificate (${code})`, mend }];
  }
  if (SERVER_CERTIFICATE.test(code)) {
    return [
      'refused',
      {
        layer,
        operation,
        reason: `the configuration is of another helper, or of an old one (${code})`,
        mend,
      },
    ];
  }
  return undefined;
}

function callFault(error: ConnectError, method: string): Told {
  const details = { layer: 'transport', operation: method };
  if (error.code === Code.Unimplemented) {
    return [
      'refused',
      {
        ...details,
        reason: 'the helper is of another version and does not know this request',
        mend: 'Restart the helper after an update: `joblet helper stop`, `joblet helper start`.',
      },
    ];
  }
  // The name of the code in HTTP/2: the call is turned away, the connection and the helper are there.
  if (error.rawMessage.includes('ENHANCE_YOUR_CALM')) {
    const mend = 'End some of the calls under way, such as views of logs, then try again.';
    return ['exhausted', { ...details, reason: 'the connection has no room for another call', mend }];
  }
  if (INTERRUPTED.includes(error.code) || rootCauseOf(error) === CUT_OFF) {
    const mend = 'Jobs go on. `joblet helper status` says whether it is back.';
    return ['unavailable', { ...details, reason: 'the helper went away during the call', mend }];
  }
  const kind = error.code === Code.ResourceExhausted ? 'exhausted' : 'internal';
  return [kind, { ...details, reason: error.rawMessage, mend: '' }];
}

/** The code of the first error that was not wrapped. */
function rootCauseOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) {
    innermost = innermost.cause;
  }
  return causeOf(innermost);
}
