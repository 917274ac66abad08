/** grep(1) on a log: in a child that has no rights, and that ends when nobody wants its answer (docs/monitor-protocol.md, "search"). */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { JobletError } from '../../api/errors.ts';
import { createPipe } from '../../kernel/pipe.ts';

export interface Pattern {
  readonly text: string;
  /** The text itself, not an extended regular expression (grep(1), -F and -E). */
  readonly fixed: boolean;
  readonly ignoreCase: boolean;
}

const PATTERN_BYTES_MAXIMUM = 4096;
/** The most that the kernel gives everyone (fs.pipe-max-size): each time it is full costs a way through the loop. */
const PIPE_BYTES = 1024 * 1024;
const COMPLAINT_BYTES_MAXIMUM = 1000;
const ASCII = /^[\x20-\x7e]*$/;
/** What in an extended regular expression may not mean itself. */
const OPERATORS = /[.[\]\\^$*+?(){}|]/;
const EXIT_FAULT = 2;
/** executor/search.c */
const EXIT_NO_GREP = 127;

/** @throws JobletError (invalid) when no line can match it, whatever it says. */
export function refuseOddPattern({ text }: Pattern): void {
  const reason =
    text === ''
      ? 'is empty'
      : Buffer.byteLength(text) > PATTERN_BYTES_MAXIMUM
        ? `is longer than ${PATTERN_BYTES_MAXIMUM} bytes`
        : /[\n\0]/.test(text)
          ? 'has a line break or a zero byte, as no line has'
          : undefined;
  if (reason !== undefined) {
    throw patternError(text, reason);
  }
}

export class Grep implements Disposable {
  /** Closed when it is given a file. */
  readonly input: Writable;
  readonly #child: ChildProcess;
  readonly #pattern: Pattern;
  readonly #ended: Promise<void>;

  /**
   * @param executorFd the executor.
   * @param input a descriptor to read from `offset` on; undefined: what is written to `input` here.
   */
  constructor(
    executorFd: number,
    pattern: Pattern,
    input?: { readonly fd: number; readonly offset: number },
  ) {
    this.#pattern = pattern;
    const { readEnd, writeEnd } = createPipe(PIPE_BYTES);
    this.input = new Socket({ fd: writeEnd, readable: false });
    // It ends before it has read all when the pattern is malformed, or nobody wants more.
    this.input.on('error', () => {});
    if (input !== undefined) {
      this.input.destroy();
    }
    try {
      this.#child = spawn(
        `/proc/${process.pid}/fd/${executorFd}`,
        ['search', String(input?.offset ?? 0), ...argumentsOf(pattern)],
        { env: { LC_ALL: localeFor(pattern) }, stdio: [input?.fd ?? readEnd, 'pipe', 'pipe'] },
      );
    } finally {
      closeSync(readEnd);
    }
    this.#ended = this.#untilEnded();
    this.#ended.catch(() => {});
  }

  /** Of each line that matches: the offset of its first byte, a colon, the line and a line break. */
  get output(): Readable {
    return this.#child.stdout as Readable;
  }

  /** @throws JobletError: invalid (the pattern), refused (this machine has no grep), or exhausted (a line is too long for it). */
  async ended(): Promise<void> {
    await this.#ended;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
    this.input.destroy();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  async #untilEnded(): Promise<void> {
    let complaint = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, COMPLAINT_BYTES_MAXIMUM);
    });
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    this.#child.once('error', reject);
    this.#child.once('close', resolve);
    const code = await promise;
    if (code !== 0 && code !== 1) {
      throw this.#fault(code, complaint.replace(/^grep: /, '').trim());
    }
  }

  #fault(code: number | null, complaint: string): JobletError {
    const details = { layer: 'search', operation: 'grep', object: this.#pattern.text };
    if (code === EXIT_NO_GREP) {
      const reason = 'this machine has no /usr/bin/grep';
      return new JobletError('refused', { ...details, reason, mend: 'Install grep.' });
    }
    if (code === EXIT_FAULT && !complaint.includes('memory exhausted')) {
      return patternError(this.#pattern.text, complaint);
    }
    return new JobletError('exhausted', {
      ...details,
      reason: complaint === '' ? `grep ended with ${code ?? 'a signal'}` : complaint,
      mend: 'A line or the pattern takes more than the 512 MiB that a search may have.',
    });
  }
}

/** Line by line, so that what it has found is told before it has read all. */
function argumentsOf({ text, fixed, ignoreCase }: Pattern): string[] {
  return [
    '--text',
    '--byte-offset',
    '--line-buffered',
    fixed ? '--fixed-strings' : '--extended-regexp',
    ...(ignoreCase ? ['--ignore-case'] : []),
    `--regexp=${text}`,
  ];
}

/** In C a character is a byte, which grep(1) finds several times as fast. */
function localeFor({ text, fixed }: Pattern): string {
  return ASCII.test(text) && (fixed || !OPERATORS.test(text)) ? 'C' : 'C.UTF-8';
}

function patternError(object: string, reason: string): JobletError {
  return new JobletError('invalid', {
    layer: 'search',
    operation: 'grep',
    object,
    reason,
    mend: 'Patterns are extended regular expressions, as of grep -E; or ask for the text itself.',
  });
}
