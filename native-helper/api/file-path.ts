/** Paths of files below a folder: bytes, as the kernel has them. */
import { JobletError } from './errors.ts';

const SLASH = 0x2f;
const PATH_BYTES_MAXIMUM = 65_536;

/**
 * The names on the way to a file. None leads up, to the root or to the folder itself.
 *
 * @param path relative, with one / between two names; empty: no names
 * @throws JobletError (invalid)
 */
export function namesOf(path: Uint8Array): Buffer[] {
  if (path.length === 0) {
    return [];
  }
  const names = path.length > PATH_BYTES_MAXIMUM ? [] : split(Buffer.from(path));
  if (names.length === 0 || !names.every(isName)) {
    throw new JobletError('invalid', {
      layer: 'file',
      operation: 'find',
      object: JSON.stringify(Buffer.from(path.subarray(0, 200)).toString()),
      reason: 'is not a path below /work',
      mend: "Write it relative to /work, without '.' and '..', such as build/output.txt.",
    });
  }
  return names;
}

/**
 * Whether a link leads to no place outside the tree that it is in, whatever other such links are on its way: it goes up only at
 * its beginning, where each step is a real folder, and then only as far as the tree's top. What leads up behind a name may start from where
 * another link has led.
 *
 * @param depth how many folders of the tree the link lies in
 */
export function staysInside(target: Uint8Array, depth: number): boolean {
  const names = split(Buffer.from(target));
  const up = names.findIndex((name) => name.toString('latin1') !== '..');
  const down = up === -1 ? [] : names.slice(up);
  return (up === -1 ? names.length : up) <= depth && down.every(isName);
}

function split(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  let start = 0;
  for (let end = path.indexOf(SLASH); end !== -1; end = path.indexOf(SLASH, start)) {
    names.push(path.subarray(start, end));
    start = end + 1;
  }
  return [...names, path.subarray(start)];
}

function isName(name: Buffer): boolean {
  return name.length > 0 && !['.', '..'].includes(name.toString('latin1')) && !name.includes(0);
}
