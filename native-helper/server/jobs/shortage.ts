/** What a system call says when this process, or the machine, has no more of something: errno(3). */
const SHORTAGES: readonly string[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS'];

/** Whether an error says nothing of what was asked for, but that the kernel had no room for asking. */
export function isShortage(error: unknown): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  return ('code' in error && SHORTAGES.includes(String(error.code))) || isShortage(error.cause);
}
