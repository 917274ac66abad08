import { describe, expect, it } from 'vitest';
import { parseCommandLine, type Request } from './program.ts';

const identity = { programName: 'joblet', version: '1.2.3' };
const parse = (...words: string[]): Promise<Request> => parseCommandLine(words, identity);

async function invocation(...words: string[]) {
  const request = await parse(...words);
  if (request.kind !== 'run') {
    throw new Error(`shows text instead: ${request.text}`);
  }
  return request.invocation;
}

async function shown(...words: string[]): Promise<string> {
  const request = await parse(...words);
  return request.kind === 'show' ? request.text : '';
}

describe('globals', () => {
  it.each([
    [['--json', '--node', 'a', '--config=/c', '--root', '/r', 'job', 'list']],
    [['job', '--json', '--node', 'a', '--config=/c', '--root', '/r', 'list']],
    [['job', 'list', '--json', '--node=a', '--config', '/c', '--root=/r']],
    [['--json', 'job', '--node', 'a', 'list', '--config=/c', '--root=/r']],
  ])('are taken before and after the subcommand: %j', async (words) => {
    expect((await invocation(...words)).globals).toEqual({ json: true, node: 'a', config: '/c', root: '/r' });
  });

  it('count for more when they stand nearer to the command', async () => {
    const { globals } = await invocation('--node', 'far', 'job', 'list', '--node', 'near');
    expect(globals).toEqual({ json: false, node: 'near', root: '/' });
  });

  it.each([[['--version']], [['job', '--version']], [['job', 'list', '--version']]])(
    'show the version: %j',
    async (words) => {
      expect(await shown(...words)).toBe('joblet 1.2.3\n');
    },
  );
});

describe('job run', () => {
  it('stops taking flags at the command', async () => {
    const { flags, globals, operands } = await invocation(
      'job',
      'run',
      '--max-cpu=50',
      'ls',
      '--json',
      '--max-cpu',
      '1',
    );
    expect(flags).toEqual({ maxCpu: '50' });
    expect(globals.json).toBe(false);
    expect(operands).toEqual(['ls', '--json', '--max-cpu', '1']);
  });

  it('stops taking flags at --', async () => {
    const { operands } = await invocation('job', 'run', '--name', 'x', '--', '--odd-program', '--', '-h');
    expect(operands).toEqual(['--odd-program', '--', '-h']);
  });

  it('keeps a later -- for the command', async () => {
    expect((await invocation('job', 'run', 'git', '--', 'x')).operands).toEqual(['git', '--', 'x']);
  });

  it('takes --flag=v, --flag v and short flags, and gathers what may be given again', async () => {
    const { flags } = await invocation(
      ...['job', 'run', '-e', 'A=1', '-eB=2', '--env', 'C=3', '--env=D==', '-s', 'K=v', '--secret-env=L=w'],
      ...['--max-memory', '64', '--timeout=5m', '-f', 'true'],
    );
    expect(flags).toEqual({
      env: ['A=1', 'B=2', 'C=3', 'D=='],
      secretEnv: ['K=v', 'L=w'],
      maxMemory: '64',
      timeout: '5m',
      follow: true,
    });
  });

  it('takes a negative number as the value it is meant to be', async () => {
    expect((await invocation('job', 'run', '--max-cpu', '-5', 'true')).flags).toEqual({ maxCpu: '-5' });
  });
});

describe('malformed command lines', () => {
  it.each([
    [['jbo', 'list'], 'jbo: is not a command of `joblet`. Did you mean job? See: joblet --help'],
    [['job', 'lsit'], 'lsit: is not a command of `joblet job`. Did you mean list? See: joblet job --help'],
    [
      ['job', 'run', '--max-cpus', '5', 'true'],
      '--max-cpus: is not a flag of `joblet job run`. Did you mean --max-cpu? See: joblet job run --help',
    ],
    [
      ['job', 'list', '--max-cpu', '5'],
      '--max-cpu: is not a flag of `joblet job list`. See: joblet job list --help',
    ],
    [['job', 'status'], 'id: is missing. See: joblet job status --help'],
    [['job', 'run'], 'command: is missing. See: joblet job run --help'],
    [['job', 'run', '--name'], '--name <name>: needs a value. See: joblet job run --help'],
    [['__proto__'], '__proto__: is not a command of `joblet`. See: joblet --help'],
  ])('%j is refused and mended', async (words, message) => {
    await expect(parse(...words)).rejects.toMatchObject({ kind: 'invalid', message });
  });

  it.each([[[]], [['job']], [['config']]])('%j lists what is missing', async (words) => {
    await expect(parse(...words)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/a command is missing\. One of: \w+, .* See: joblet( \w+)? --help$/),
    });
  });

  it('too many arguments are refused', async () => {
    await expect(parse('job', 'status', 'a', 'b')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(parse('nodes', 'x')).rejects.toMatchObject({ kind: 'invalid' });
  });
});

describe('help', () => {
  it('speaks of the name that the program was called by', async () => {
    const request = await parseCommandLine(['job', 'run', '--help'], { ...identity, programName: 'rnx' });
    expect(request).toMatchObject({
      kind: 'show',
      text: expect.stringContaining('Usage: rnx job run [flags]'),
    });
  });

  it('is the same for `help job run` and `job run --help`', async () => {
    const text = await shown('job', 'run', '--help');
    expect(text).toContain('--max-memory');
    expect(text).toContain('--json');
    expect(await shown('help', 'job', 'run')).toBe(text);
  });

  it('does not show commands and flags that are not offered', async () => {
    expect(await shown('--help')).not.toMatch(/workflow|__complete/);
    expect(await shown('job', 'run', '--help')).not.toContain('--gpu');
  });
});

describe('commands that this version does not offer', () => {
  it.each([[['workflow', 'run', 'x.yml', '--flag']], [['job', 'telematics', 'abc']]])(
    '%j is known and refused',
    async (words) => {
      const request = await parse(...words);
      const run = request.kind === 'run' ? request.module.run({} as never) : undefined;
      await expect(run).rejects.toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('this version does not offer it yet'),
      });
    },
  );
});
