import { escapeJsonText } from './escape.ts';

/**
 * A value as indented JSON with a newline at its end. A bigint becomes a number with all its digits, and characters
 * that could drive a terminal are escaped.
 */
export function jsonText(value: unknown): string {
  return jsonOf(value, 2);
}

/** The same on one line, for output that goes on. */
export function compactJson(value: unknown): string {
  return jsonOf(value, 0);
}

function jsonOf(value: unknown, indent: number): string {
  const text = JSON.stringify(
    value,
    (_key, member) => (typeof member === 'bigint' ? rawJson(String(member)) : member),
    indent,
  );
  return `${escapeJsonText(text)}\n`;
}

/** ES2025 `JSON.rawJSON`, which TypeScript's es2024 library does not declare yet. */
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): object };
