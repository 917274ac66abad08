/**
 * Text from outside (names, commands, causes) on its way to a terminal. Control characters could move the cursor, set
 * the clipboard (OSC 52) or forge a line; bidirectional controls could show a command in another order than it has.
 */

// C0, DEL, C1, line and paragraph separators, and the bidirectional controls of Unicode (UAX #9, table 4).
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The same text with every unsafe character as `\n`, `\r`, `\t`, `\xNN` or `\uNNNN`: always one line. */
export function escapeControlCharacters(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return (
      SHORT_ESCAPES[character] ??
      (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscape(code))
    );
  });
}

/** JSON text in which no unsafe character stands unescaped; it means the same value. */
export function escapeJsonText(json: string): string {
  return json.replace(UNSAFE, (character) =>
    character === '\n' ? character : unicodeEscape(character.charCodeAt(0)),
  );
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
