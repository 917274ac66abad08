/** Texts that come from outside. Sizes are bytes of UTF-8. */
import * as z from './schema.ts';

/** C0, C1, line and paragraph separators, and what turns the direction of text: each shows another name than there is. */
const CONTROL_CHARACTER =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

const encoder = new TextEncoder();

export const byteLength = (text: string): number => encoder.encode(text).length;

export const wellFormedText = (maximumBytes: number) =>
  z.string().check(
    z.refine((text) => !text.includes('\0'), 'must not hold a NUL character'),
    z.refine((text) => text.isWellFormed(), 'must be well-formed Unicode'),
    z.refine((text) => byteLength(text) <= maximumBytes, `must be at most ${maximumBytes} bytes`),
  );

export const singleLine = (maximumBytes: number) =>
  wellFormedText(maximumBytes).check(
    z.refine((text) => !CONTROL_CHARACTER.test(text), 'must not hold control characters or line breaks'),
  );
