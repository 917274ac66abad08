/** What a volume may be called, and how large it may be: the same for the command line, the app and the helper. */
import * as z from './schema.ts';

/** It becomes the name of a folder in jobs, and nowhere a part of a path of the machine. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
export const MAX_VOLUMES_OF_JOB = 32;
/** What a file system can still be made in. */
export const MIN_VOLUME_BYTES = 1_048_576n;
/** 16 TiB: what ext4 holds with the features that every kernel mounts. */
export const MAX_VOLUME_BYTES = 2n ** 44n;

export const volumeNameSchema = z
  .string()
  .check(
    z.refine(
      (name) => NAME.test(name),
      'must be 1 to 63 letters, digits, - _ . and begin with a letter or digit',
    ),
  );

export const volumeMountsSchema = z
  .array(z.strictObject({ name: volumeNameSchema, readOnly: z.boolean() }))
  .check(
    z.maxLength(MAX_VOLUMES_OF_JOB),
    z.refine((mounts) => new Set(mounts.map(({ name }) => name)).size === mounts.length, 'names one twice'),
  );

export type VolumeMount = z.infer<typeof volumeMountsSchema>[number];
