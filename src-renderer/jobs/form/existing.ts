/** What becomes of the line of text in a field when something that exists is chosen beside it. */

/** Of a list with commas, each `NAME[:ro|rw]`. */
const namesIn = (typed: string) =>
  typed
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
const isOf = (each: string, name: string) => each === name || each === `${name}:ro` || each === `${name}:rw`;

export function isNamed(typed: string, name: string): boolean {
  return namesIn(typed).some((each) => isOf(each, name));
}

/** A job has one network: another takes its place, and the same once more is none. */
export function withNetwork(typed: string, name: string): string {
  return typed.trim() === name ? '' : name;
}

/** A job has any number of volumes: one more, or one less. */
export function withVolume(typed: string, name: string): string {
  const names = namesIn(typed);
  return (isNamed(typed, name) ? names.filter((each) => !isOf(each, name)) : [...names, name]).join(', ');
}
