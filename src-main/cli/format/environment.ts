/** Variables as they are shown: secret ones, and those whose name says that they are, without their value. */
import type { JobSpec } from '../../../native-helper/api/gen/joblet_pb.js';
import { isSecretName } from '../../../native-helper/api/job-spec.ts';
import { escapeControlCharacters } from './escape.ts';

const MASK = '***';

type Variables = Readonly<Record<string, string>>;
type Environments = Pick<JobSpec, 'environment' | 'secretEnvironment'>;

/** Plain variables; the values of those with a secret's name are masked. */
export function shownEnvironment(variables: Variables): Variables {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, isSecretName(name) ? MASK : value]),
  );
}

/** Secret variables: the helper does not keep their values, and what it answers is masked again here. */
export function shownSecrets(variables: Variables): Variables {
  return Object.fromEntries(Object.keys(variables).map((name) => [name, MASK]));
}

/** One line a variable, by name: `K=V` or `K=*** (secret)`. */
export function environmentLines({ environment, secretEnvironment }: Environments): string[] {
  const plain = Object.entries(shownEnvironment(environment));
  const secret = Object.keys(secretEnvironment).map((name): [string, string] => [name, `${MASK} (secret)`]);
  return [...plain, ...secret]
    .map(([name, value]) => [name, value === MASK ? `${MASK} (secret)` : value] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => escapeControlCharacters(`${name}=${value}`));
}
