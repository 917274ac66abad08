/** What is pasted into a line may be more than a line, and more than is seen: then it is shown before it is sent. */

const LINE_BREAK = /\r\n|\n|\r/;
/** Controls and formats, those that turn the order of signs around among them. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const EVERY_UNSEEN = new RegExp(UNSEEN, 'gu');

/** Whether a line of text would hide something of it, or change it. */
export function isMoreThanSeen(pasted: string): boolean {
  return UNSEEN.test(pasted.replaceAll('\t', ''));
}

export function lineCount(pasted: string): number {
  const lines = pasted.split(LINE_BREAK);
  return lines.at(-1) === '' ? lines.length - 1 : lines.length;
}

/** Its beginning, with every sign to be seen. */
export function beginningOf(
  pasted: string,
  mostLines: number,
  mostCharacters: number,
): { text: string; isAll: boolean } {
  const cut = pasted.slice(0, mostCharacters);
  const lines = cut.split('\n');
  const text = lines
    .slice(0, mostLines)
    .map((line) => line.replace(EVERY_UNSEEN, escapeOf))
    .join('\n');
  return { text, isAll: cut.length === pasted.length && lines.length <= mostLines };
}

function escapeOf(sign: string): string {
  return sign === '\t' ? sign : `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`;
}
