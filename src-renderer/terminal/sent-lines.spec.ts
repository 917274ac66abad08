import { describe, expect, it } from 'vitest';
import { SentLines } from './sent-lines.ts';

describe('lines that were sent', () => {
  it('come back one after the other, and then what was being written', () => {
    const sent = new SentLines();
    sent.add('one');
    sent.add('two');
    expect(sent.move(-1, 'dra')).toBe('two');
    expect(sent.move(-1, 'two')).toBe('one');
    expect(sent.move(-1, 'one')).toBe('one');
    expect(sent.move(1, 'one')).toBe('two');
    expect(sent.move(1, 'two')).toBe('dra');
    expect(sent.move(1, 'dra')).toBe('dra');
  });

  it('stand there once when sent twice, and not at all when empty', () => {
    const sent = new SentLines();
    for (const line of ['one', 'one', '']) {
      sent.add(line);
    }
    expect(sent.move(-1, '')).toBe('one');
    expect(sent.move(-1, 'one')).toBe('one');
  });

  it('are not without end', () => {
    const sent = new SentLines();
    for (let line = 0; line < 1000; line += 1) {
      sent.add(`line ${line}`);
    }
    let shown = '';
    for (let step = 0; step < 1000; step += 1) {
      shown = sent.move(-1, shown);
    }
    expect(shown).toBe('line 900');
  });
});
