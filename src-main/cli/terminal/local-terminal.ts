/**
 * The terminal that a person sits before, while another one is shown in it: raw, so that each key goes there, and as it was before on
 * every way out. (Node itself restores it when the process ends by an error.)
 */
import { JobletError } from '../../../native-helper/api/errors.ts';
import type { TerminalSize } from '../../client/index.ts';

/** What stands in for a size that nobody knows, as in every terminal since the VT100. */
const USUAL_SIZE: TerminalSize = { columns: 80, rows: 24 };
/** As the helper takes it: a name of terminfo(5). */
const TERM_NAME = /^(?!\.)[A-Za-z0-9_+.-]{1,64}$/;

/** @throws JobletError when standard input is none, in docker's words. */
export function requireTerminal(): void {
  if (!process.stdin.isTTY) {
    throw new JobletError('refused', {
      layer: '',
      operation: '',
      object: '--tty',
      reason: 'the input device is not a TTY',
      mend: 'Leave --tty out to send what is piped in.',
    });
  }
}

export function localSize(): TerminalSize {
  const { columns, rows } = process.stdout;
  return columns > 0 && rows > 0 ? { columns, rows } : USUAL_SIZE;
}

/** The name of the terminal that we are shown in; empty: it has none. */
export function localTerm(): string {
  const { TERM = '' } = process.env;
  return TERM_NAME.test(TERM) ? TERM : '';
}

/**
 * Raw until it is disposed of. While the process is stopped the shell has the terminal as it was.
 *
 * @param resized is told of each new size, and of the present one when the process goes on after it was stopped
 */
export function takeTerminal(resized: (size: TerminalSize) => void): Disposable {
  const { stdin, stdout } = process;
  const tell = () => resized(localSize());
  const stop = () => {
    stdin.setRawMode(false);
    process.kill(process.pid, 'SIGSTOP');
  };
  const goOn = () => {
    stdin.setRawMode(true);
    tell();
  };
  stdin.setRawMode(true);
  stdout.on('resize', tell);
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', goOn);
  return {
    [Symbol.dispose]() {
      stdout.off('resize', tell);
      process.off('SIGTSTP', stop);
      process.off('SIGCONT', goOn);
      stdin.setRawMode(false);
    },
  };
}
