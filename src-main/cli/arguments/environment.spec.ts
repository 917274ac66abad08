import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnvironment } from './environment.ts';

describe('parseEnvironment', () => {
  it('takes everything after the first = as the value, and the last setting of a name', () => {
    expect(parseEnvironment(['A=1', 'B==x=', 'A=', 'C=two words'], '--env')).toEqual({
      A: '',
      B: '=x=',
      C: 'two words',
    });
  });

  it.each(['PASSWORD', '=hunter2'])('refuses %s without repeating what may be a secret', (setting) => {
    const parse = () => parseEnvironment([setting], '--secret-env');
    expect(parse).toThrow(/^--secret-env: /);
    expect(parse).not.toThrow(/hunter2|PASSWORD/);
  });

  it('refuses the one name that no object can hold', () => {
    expect(() => parseEnvironment(['__proto__=1'], '--env')).toThrow('--env __proto__: cannot be set');
  });

  it('keeps every pair', () => {
    const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/).filter((text) => text !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (variables) => {
        const settings = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
        expect(parseEnvironment(settings, '')).toEqual({ ...variables });
      }),
    );
  });
});
