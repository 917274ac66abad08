import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentsOf, parseEnvironment, type ValueSources } from './environment.ts';

const FILES: Readonly<Record<string, string>> = {
  token: 'hunter2\n',
  '.env': '# of the project\n\nexport A=1\nB="two words"\nC=\'x\'\nHOME\n',
  bad: 'A=1\n= nothing\n',
};
const SURROUNDINGS: Readonly<Record<string, string>> = {
  HOME: '/home/me',
  API_TOKEN: '@not-a-file',
  http_proxy: 'http://proxy:3128',
  HTTPS_PROXY: 'http://me:secret@proxy:3128',
};
const SOURCES: ValueSources = {
  variable: (name) => SURROUNDINGS[name],
  file: (path) => FILES[path] ?? '',
};

describe('parseEnvironment', () => {
  it('takes everything after the first = as the value, and the last setting of a name', () => {
    expect(parseEnvironment(['A=1', 'B==x=', 'A=', 'C=two words'], '--env', SOURCES)).toEqual({
      A: '',
      B: '=x=',
      C: 'two words',
    });
  });

  it.each(['PASSWORD', '=hunter2'])('refuses %s without repeating what may be a secret', (setting) => {
    const parse = () => parseEnvironment([setting], '--secret-env', SOURCES);
    expect(parse).toThrow(/^--secret-env: /);
    expect(parse).not.toThrow(/hunter2|PASSWORD/);
  });

  it('refuses the one name that no object can hold', () => {
    expect(() => parseEnvironment(['__proto__=1'], '--env', SOURCES)).toThrow(
      '--env __proto__: cannot be set',
    );
  });

  it('keeps every pair', () => {
    const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/).filter((text) => text !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (variables) => {
        const settings = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
        expect(parseEnvironment(settings, '', SOURCES)).toEqual({ ...variables });
      }),
    );
  });
});

describe('environmentsOf', () => {
  it('takes a name without a value from the environment of the caller, where no list of processes shows it', () => {
    expect(environmentsOf({ env: ['HOME'], secretEnv: ['API_TOKEN'] }, SOURCES)).toMatchObject({
      environment: { HOME: '/home/me' },
      secretEnvironment: { API_TOKEN: '@not-a-file' },
    });
  });

  it('takes a secret from a file, without the line break at its end', () => {
    expect(environmentsOf({ secretEnv: ['A=@token', 'B=x@token'] }, SOURCES).secretEnvironment).toEqual({
      A: 'hunter2',
      B: 'x@token',
    });
  });

  it('reads files of lines, and lets a flag count for more', () => {
    expect(environmentsOf({ envFile: ['.env'], env: ['C=y'] }, SOURCES).environment).toEqual({
      A: '1',
      B: 'two words',
      C: 'y',
      HOME: '/home/me',
    });
    expect(() => environmentsOf({ envFile: ['bad'] }, SOURCES)).toThrow(
      '--env-file bad: line 2 is no NAME=VALUE',
    );
  });

  it('knows where each is from, the nearest first, and where all are', () => {
    const { flagOf } = environmentsOf({ envFile: ['.env'], env: ['C=y'], envProxy: true }, SOURCES);
    expect(['C', 'A', 'http_proxy'].map(flagOf)).toEqual(['--env', '--env-file .env', '--env-proxy']);
    expect(flagOf()).toBe('--env and --env-file .env and --env-proxy');
  });

  it('hands on proxies only when asked to, and one with a password as a secret', () => {
    expect(environmentsOf({}, SOURCES)).toMatchObject({ environment: {}, secretEnvironment: {} });
    expect(environmentsOf({ envProxy: true }, SOURCES)).toMatchObject({
      environment: { http_proxy: 'http://proxy:3128' },
      secretEnvironment: { HTTPS_PROXY: 'http://me:secret@proxy:3128' },
    });
    expect(environmentsOf({ envProxy: true, env: ['HTTPS_PROXY='] }, SOURCES).secretEnvironment).toEqual({});
  });
});
