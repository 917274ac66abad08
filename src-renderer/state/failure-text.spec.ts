import { expect, it } from 'vitest';
import { causeText, failureText, layerText } from './failure-text.ts';

const failure = { layer: 'config', object: 'a.yml', reason: 'has mode 0644', mend: 'chmod 600 a.yml' };

it('says what went wrong with what, in which layer, and what to do', () => {
  expect(causeText(failure)).toBe('a.yml: has mode 0644');
  expect(layerText(failure)).toBe('config: a.yml: has mode 0644');
  expect(failureText(failure)).toBe('a.yml: has mode 0644. chmod 600 a.yml');
});

it('leaves out what is not known', () => {
  const bare = { layer: '', object: '', reason: 'no', mend: '' };
  expect([causeText(bare), layerText(bare), failureText(bare)]).toEqual(['no', 'no', 'no']);
});
