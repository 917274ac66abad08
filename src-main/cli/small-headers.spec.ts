import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Headers as SmallHeaders } from './small-headers.ts';

/** RFC 9110 field names, and values that gRPC metadata can hold. */
const name = fc.stringMatching(/^[a-zA-Z0-9-]{1,12}$/);
const value = fc.stringMatching(/^[!-~]{0,20}$/);
const change = fc.oneof(
  fc.record({ call: fc.constant('append' as const), name, value }),
  fc.record({ call: fc.constant('set' as const), name, value }),
  fc.record({ call: fc.constant('delete' as const), name }),
);

describe('small headers', () => {
  it('hold what the standard ones would hold', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), fc.array(change), (init, changes) => {
        const ours = new SmallHeaders(init);
        const standard = new Headers(init);
        for (const each of changes) {
          for (const headers of [ours, standard]) {
            each.call === 'delete' ? headers.delete(each.name) : headers[each.call](each.name, each.value);
          }
        }
        const sorted = [...ours].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(sorted).toEqual([...standard]);
      }),
    );
  });

  it('take a plain object and tell what is missing', () => {
    const headers = new SmallHeaders({ 'Content-Type': 'application/grpc' });
    expect(headers.get('content-type')).toBe('application/grpc');
    expect(headers.get('te')).toBeNull();
    expect(headers.has('te')).toBe(false);
  });
});
