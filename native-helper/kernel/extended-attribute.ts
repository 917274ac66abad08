import { declare, once } from './library.ts';

const getxattr = once(() =>
  declare<(path: string, name: string, value: Buffer, size: number) => number>(
    'intptr_t getxattr(const char *path, const char *name, uint8_t *value, size_t size)',
  ),
);

/** The value of a short extended attribute; undefined when the file has none of that name, or none at all. */
export function extendedAttribute(path: string, name: string): string | undefined {
  const value = Buffer.alloc(256);
  const length = getxattr()(path, name, value, value.length);
  return length < 0 ? undefined : value.toString('utf8', 0, length);
}
