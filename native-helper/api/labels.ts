/**
 * Labels, by the rules of Kubernetes (kubernetes.io/docs/concepts/overview/working-with-objects/labels), so that what people
 * know and have is taken: `team=core`, `example.com/stage=test`.
 */
import * as z from './schema.ts';

export const MAX_LABELS = 64;

/** 1 to 63 of letters, digits, `-`, `_` and `.`, a letter or digit at both ends. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
/** RFC 1123, lower case. */
const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** With or without a domain in front: `team`, `example.com/team`. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  return NAME.test(key.slice(slash + 1)) && (slash === -1 || DOMAIN.test(key.slice(0, slash)));
}

export function isLabelValue(value: string): boolean {
  return value === '' || NAME.test(value);
}

/** zod passes over a key `__proto__`, which is no label's name either. */
export const labelsSchema = z.pipe(
  z.custom<Record<string, string>>((labels) => !Object.hasOwn(Object(labels), '__proto__'), {
    message: '__proto__ cannot be set',
    abort: true,
  }),
  z
    .record(
      z
        .string()
        .check(
          z.refine(
            isLabelKey,
            'must be 1 to 63 letters, digits, - _ . with a letter or digit at both ends, after `domain/` if it has one',
          ),
        ),
      z
        .string()
        .check(
          z.refine(
            isLabelValue,
            'must be empty or up to 63 letters, digits, - _ . with a letter or digit at both ends',
          ),
        ),
    )
    .check(
      z.refine((labels) => Object.keys(labels).length <= MAX_LABELS, `must be at most ${MAX_LABELS} labels`),
    ),
);
