import { Code, ConnectError } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { Endpoint } from './endpoint.ts';
import { isInterruption, toJobletError } from './errors.ts';

const node = { address: 'unix:///run/joblet.sock', cert: '', key: '', ca: '' };
const endpoint = new Endpoint(node, pathsUnder('/'), 1000);

it('a call that one side of the connection has no room for is not taken for the end of the helper', () => {
  const cause = Object.assign(new Error('Stream closed with error code NGHTTP2_ENHANCE_YOUR_CALM'), {
    code: 'ERR_HTTP2_STREAM_ERROR',
  });
  const error = ConnectError.from(cause, Code.Internal);
  error.cause = cause;
  const told = toJobletError(error, endpoint, 'GetLogs');
  expect(told).toMatchObject({ kind: 'exhausted', details: { layer: 'transport', operation: 'GetLogs' } });
  expect(isInterruption(told)).toBe(false);
});

it('a stream that Node found closed when it began to read it was cut off by the end of the helper', () => {
  const cause = Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  const error = ConnectError.from(cause);
  expect(error.code).toBe(Code.Unknown);
  expect(isInterruption(toJobletError(error, endpoint, 'RunJob'))).toBe(true);
});
