import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { BrokenPipe, sinkOf } from './output.ts';

describe('sinkOf', () => {
  it('resolves a write when the reader has taken it', async () => {
    let takeIt = (): void => {};
    const slow = new Writable({
      write: (_chunk, _encoding, done) => {
        takeIt = done;
      },
    });
    let resolved = false;
    const written = sinkOf(slow, 'slow', {})
      .write('x')
      .then(() => {
        resolved = true;
      });
    await new Promise(setImmediate);
    expect(resolved).toBe(false);
    takeIt();
    await written;
  });

  it('rejects with BrokenPipe when the reader is gone, and again at each later write', async () => {
    const gone = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const sink = sinkOf(gone, 'gone', {});
    await expect(sink.write('x')).rejects.toBeInstanceOf(BrokenPipe);
    await expect(sink.write('y')).rejects.toBeInstanceOf(BrokenPipe);
  });

  it('names itself in any other error', async () => {
    const full = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
    });
    await expect(sinkOf(full, 'standard output', {}).write('x')).rejects.toThrow(
      'write standard output: ENOSPC',
    );
  });

  it.each([
    [true, {}, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
  ])('terminal %s with %j has colour: %s', (isTTY, environment, hasColour) => {
    const stream = Object.assign(new PassThrough(), { isTTY });
    expect(sinkOf(stream, 'stream', environment).hasColour).toBe(hasColour);
  });
});
