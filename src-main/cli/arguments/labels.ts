import { usageError } from '../errors.ts';

/** `key=value` settings as a record; of one key given twice the last counts. They are checked by the schema. */
export function parseLabels(settings: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    const key = setting.slice(0, equals);
    if (equals < 1 || key === '__proto__') {
      throw usageError(`--label ${setting}`, 'is no KEY=VALUE');
    }
    labels[key] = setting.slice(equals + 1);
  }
  return labels;
}
