import { describe, expect, it } from 'vitest';
import { completionOf } from './candidates.ts';
import { COMMANDS } from './command-tree.ts';

async function values(...words: string[]): Promise<string[]> {
  const { candidates } = await completionOf(words, COMMANDS);
  return candidates.map(({ value }) => value);
}

describe('completionOf', () => {
  it('offers commands, not the hidden ones', async () => {
    expect(await values('')).toEqual(expect.arrayContaining(['job', 'helper', 'config', 'doctor']));
    expect(await values('')).not.toContain('__complete');
    expect(await values('')).not.toContain('workflow');
    expect(await values('job', 'st')).toEqual(['status', 'stop']);
    expect(await values('--json', '--node', 'job', 'jo')).toEqual(['job']);
  });

  it('offers the flags of the command and the globals, not those that are not offered', async () => {
    expect(await values('job', 'run', '--max')).toEqual([
      '--max-cpu',
      '--max-memory',
      '--max-disk',
      '--max-swap',
      '--max-iobps',
      '--max-pids',
    ]);
    expect(await values('job', 'list', '--js')).toEqual(['--json']);
    expect(await values('job', 'run', '--gp')).toEqual([]);
  });

  it.each([
    [['job', 'status', ''], 'job'],
    [['job', 'log', '-f', '0f8e'], 'job'],
    [['job', 'stop', '--grace', '5s', ''], 'running job'],
    [['job', 'stop', '--grace', '=', '5s', ''], 'running job'],
    [['job', 'delete', ''], 'ended job'],
  ])('asks for jobs at %j', async (words, kind) => {
    expect((await completionOf(words, COMMANDS)).jobs?.kind).toBe(kind);
  });

  it('asks the helper that the words name', async () => {
    const { jobs } = await completionOf(['--root=/r', 'job', 'status', '--node', 'n', ''], COMMANDS);
    expect(jobs?.globals).toEqual({ root: '/r', node: 'n', json: false });
  });

  it('asks for nothing after the id, and after a word that is no command', async () => {
    expect(await completionOf(['job', 'status', 'abcd', ''], COMMANDS)).toEqual({ candidates: [] });
    expect(await completionOf(['nonsense', 'x', ''], COMMANDS)).toEqual({ candidates: [] });
    expect(await completionOf(['__proto__', ''], COMMANDS)).toEqual({ candidates: [] });
  });

  it('offers the values that a flag can have', async () => {
    expect(await values('job', 'log', '--stream', 'std')).toEqual(['stdout', 'stderr']);
    expect(await values('job', 'log', '--stream', '=')).toEqual(['stdout', 'stderr']);
    expect(await values('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it.each([[['--config', '']], [['job', 'run', '']], [['job', 'run', 'ls', '']], [['--root', '']]])(
    'leaves %j to the shell, as a path',
    async (words) => {
      expect(await completionOf(words, COMMANDS)).toEqual({ candidates: [], files: true });
    },
  );
});
