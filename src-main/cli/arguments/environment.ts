import { usageError } from '../errors.ts';

/**
 * `K=V` settings as a record, in the order given; of one name given twice the last counts, as in a shell. Names and
 * values are checked by the schema.
 *
 * @param flag named in the error
 */
export function parseEnvironment(settings: readonly string[], flag: string): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    if (equals < 1) {
      // A setting may be a secret that lost its name: it is not repeated.
      throw usageError(
        flag,
        equals === 0 ? 'a name is missing before =' : 'a = is missing',
        'Write NAME=VALUE.',
      );
    }
    const name = setting.slice(0, equals);
    if (name === '__proto__') {
      // No JavaScript object on the way to the helper can hold it; better refused than lost.
      throw usageError(`${flag} ${name}`, 'cannot be set');
    }
    environment[name] = setting.slice(equals + 1);
  }
  return environment;
}
