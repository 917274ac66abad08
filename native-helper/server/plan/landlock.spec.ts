import { describe, expect, it } from 'vitest';
import { PLAIN_SPEC } from '../../../test/fixtures/job-spec.ts';
import { landlockOf } from './landlock.ts';

const NEW = 6;
const OLD = 2;

describe('landlockOf', () => {
  it('keeps a job on the host’s network from abstract sockets and signals where the kernel can', () => {
    expect(landlockOf(PLAIN_SPEC, NEW)).toEqual({ scopes: ['abstractSockets', 'signals'] });
    expect(landlockOf({ ...PLAIN_SPEC, network: 'host' }, NEW)?.scopes).toHaveLength(2);
    expect(landlockOf(PLAIN_SPEC, OLD)).toBeUndefined();
    expect(landlockOf({ ...PLAIN_SPEC, network: 'none' }, NEW)).toBeUndefined();
  });

  it('leaves the ports that are named, and none of an empty list', () => {
    const tcpPorts = { connect: '443,8000-8002,443', bind: '' };
    expect(landlockOf({ ...PLAIN_SPEC, network: 'bridge', tcpPorts }, NEW)).toEqual({
      scopes: [],
      connect: [443, 8000, 8001, 8002],
      bind: [],
    });
  });

  it.each([
    [{ require: ['landlock-scopes'] }, 5, /version 5, and 6 can do it\. Use Linux 6\.12/],
    [{ tcpPorts: { bind: '80' } }, 3, /version 3, and 4 can do it\. Use Linux 6\.7/],
    [{ tcpPorts: { connect: '80' } }, 0, /has no Landlock/],
  ])('refuses %j by version %d', (asked, abi, message) => {
    expect(() => landlockOf({ ...PLAIN_SPEC, ...asked }, abi)).toThrow(message);
  });
});
