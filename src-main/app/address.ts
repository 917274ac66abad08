/** Addresses that a job's output names: what a person is shown before a browser gets one. */
import { JobletError } from '../../native-helper/api/errors.ts';

/**
 * The address as a browser would take it: its host in ASCII, so that look-alike letters show.
 *
 * @throws JobletError (invalid) for anything but http and https, and for one that hides its host behind a user's name.
 */
export function checkedAddress(text: string): URL {
  const address = URL.parse(text);
  if (address === null || !['http:', 'https:'].includes(address.protocol)) {
    throw refused(text, 'is not an address of the web (http, https)');
  }
  if (address.username !== '' || address.password !== '') {
    throw refused(text, `names a user before its host, which is ${address.host}`);
  }
  return address;
}

function refused(object: string, reason: string): JobletError {
  return new JobletError('invalid', {
    layer: 'app',
    operation: 'open',
    object,
    reason,
    mend: 'Copy it if you trust it.',
  });
}
