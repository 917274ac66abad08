import { describe, expect, it } from 'vitest';
import { styleOf } from './colours.ts';
import { PLAIN } from './look.ts';

const palette = {
  ink: [26, 29, 36],
  ground: [251, 251, 253],
  named: Array.from({ length: 16 }, () => [176, 32, 47]),
  leastContrast: 4.5,
} as never;

describe('the style of letters', () => {
  it('is none of its own for plain text', () => {
    expect(styleOf(PLAIN, palette)).toBe('');
  });

  it('makes a colour darker that could not be read', () => {
    expect(styleOf({ ink: '226' }, palette)).toMatch(/^color:rgb\((1[0-2]\d|\d\d) (1[0-2]\d|\d\d) 0\)$/);
    expect(styleOf({ ink: '#0000ff' }, palette)).toBe('color:rgb(0 0 255)');
  });

  it('takes the colours of 256 and of greys', () => {
    expect(styleOf({ ink: '16' }, palette)).toBe('color:rgb(0 0 0)');
    expect(styleOf({ ground: '255' }, palette)).toContain('background:rgb(238 238 238)');
  });
});
