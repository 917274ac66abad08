/** The socket in the file system: ours or refused, with its mode from the first instant. */
import { lstatSync, type Stats, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { causeOf, JobletError } from '../../api/errors.ts';

/** unix(7): sun_path holds 108 bytes, the last of them NUL. */
const MAX_SOCKET_PATH_BYTES = 107;
/** Any uid may knock: who comes in is decided by its credentials. */
const SOCKET_UMASK = 0o111;
const BACKLOG = 511;

/**
 * Binds and listens. A socket that nobody listens on any more is replaced; anything else in its place is refused.
 *
 * @throws JobletError that says what is there.
 */
export async function listenOn(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw refused(
      path,
      `is longer than the ${MAX_SOCKET_PATH_BYTES} bytes of a socket's path`,
      'Use a shorter --root.',
    );
  }
  await removeStaleSocket(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // bind(2) happens inside listen(), so that the mode is right before anyone can see the socket.
    const umask = process.umask(SOCKET_UMASK);
    try {
      server.listen({ path, backlog: BACKLOG }, resolve);
    } finally {
      process.umask(umask);
    }
  }).catch((error: unknown) => {
    throw refused(path, causeOf(error), '');
  });
}

async function removeStaleSocket(path: string): Promise<void> {
  const stats = statOf(path);
  if (stats === undefined) {
    return;
  }
  if (!stats.isSocket() || stats.uid !== process.geteuid?.()) {
    const what = stats.isSocket() ? 'a socket' : 'something else';
    throw refused(path, `is ${what} of uid ${stats.uid}, not ours`, 'Look at what it is, then move it away.');
  }
  if (await isServed(path)) {
    throw refused(path, 'another program is listening on it', 'End that program first.');
  }
  unlinkSync(path);
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(causeOf(error) !== 'ECONNREFUSED'));
  });
}

function refused(object: string, reason: string, mend: string): JobletError {
  return new JobletError('refused', { layer: 'transport', operation: 'listen', object, reason, mend });
}
