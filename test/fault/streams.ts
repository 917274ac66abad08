/** What jobs print: text of which each byte is known beforehand, and no line is like another. */
import { createHash } from 'node:crypto';

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** `seq -f` of both streams, each in its order. @param words without spaces or signs of a shell, other in each job */
export function floodOf(words: string, lines: number): { script: string; output: Output } {
  const of = (stream: string) => `seq -f '${words} ${stream} %.0f' 1 ${lines}`;
  return { script: `${of('err')} >&2 & ${of('out')}; wait`, output: outputOf(words, lines) };
}

/** The same a line at a time. @param pause seconds between two lines */
export function trickleOf(words: string, lines: number, pause: number): { script: string; output: Output } {
  const script = `for i in $(seq ${lines}); do echo "${words} out $i"; echo "${words} err $i" >&2; sleep ${pause}; done`;
  return { script, output: outputOf(words, lines) };
}

function outputOf(words: string, lines: number): Output {
  const of = (stream: string) =>
    Array.from({ length: lines }, (_, index) => `${words} ${stream} ${index + 1}\n`).join('');
  return { stdout: of('out'), stderr: of('err') };
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
