/** What a job may ask to see of its user's files, and where. */
import * as z from './schema.ts';
import { singleLine } from './text-schema.ts';

export const MAX_MOUNTS = 64;
/** PATH_MAX, less its NUL. */
const MAX_PATH_BYTES = 4095;

/** Absolute, without empty, `.` and `..` parts: a path that means the same however it is walked. */
const PLAIN_PATH = /^(?:\/(?!\.{0,2}(?:\/|$))[^/]+)+$/;

/** What is the system's, or a job's own in every job: nothing of a user's may stand in its place. */
const RESERVED = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/proc',
  '/sbin',
  '/sys',
  '/usr',
  '/var/tmp',
  '/volumes',
];

/** Whether one of two plain paths is the other, or lies in it. */
function overlap(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

const targetSchema = singleLine(MAX_PATH_BYTES).check(
  z.refine((path) => PLAIN_PATH.test(path), {
    message: 'must be an absolute path without empty, . or .. parts, and not /',
    abort: true,
  }),
  z.refine((path) => !path.includes(':/'), 'must not hold :/, which ends a source'),
  z.refine(
    (path) => !RESERVED.some((reserved) => overlap(path, reserved)),
    `must be outside of what is the system's in every job: ${RESERVED.join(', ')}`,
  ),
);

const mountSchema = z.strictObject({
  source: singleLine(MAX_PATH_BYTES).check(
    z.refine((path) => path.startsWith('/'), 'must be an absolute path'),
  ),
  target: targetSchema,
  readOnly: z.boolean(),
});

export const mountsSchema = z.array(mountSchema).check(
  z.maxLength(MAX_MOUNTS),
  z.superRefine((mounts, context) => {
    const twice = mounts.findIndex(
      ({ target }, index) => mounts.findIndex((other) => other.target === target) < index,
    );
    if (twice >= 0) {
      context.addIssue({ code: 'custom', path: [twice, 'target'], message: 'is the target of two mounts' });
    }
  }),
);

export type CheckedMount = z.infer<typeof mountSchema>;
