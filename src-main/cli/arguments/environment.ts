/**
 * The variables of a job, from flags: `NAME=VALUE`, `NAME` alone (the caller's own value, which then stands in no list of
 * processes), for secrets `NAME=@FILE`, files of lines, and the caller's proxies. Names and values are checked by the schema.
 */
import { usageError } from '../errors.ts';

/** What a value can be taken from. */
export interface ValueSources {
  /** A variable of the caller's own environment. */
  readonly variable: (name: string) => string | undefined;
  /** @throws JobletError that names the file when it can't be read */
  readonly file: (path: string) => string;
  /** Where relative paths begin; absent: the line was not typed in any folder. */
  readonly directory?: string;
}

export interface EnvironmentFlags {
  readonly env?: readonly string[];
  readonly secretEnv?: readonly string[];
  readonly envFile?: readonly string[];
  readonly envProxy?: boolean;
}

type Variables = Readonly<Record<string, string>>;

/** As curl, Python, Node and Go read them; both ways of writing are in use. */
const PROXY_NAMES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
]);
const HAS_PASSWORD = /^[a-z0-9+.-]+:\/\/[^/]*@|^[^/]+:[^/]*@/i;
const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export interface Environments {
  readonly environment: Variables;
  readonly secretEnvironment: Variables;
  /** The flag that a plain variable is from, or without a name all that variables are from: what an error names. */
  readonly flagOf: (name?: string) => string;
}

/** What is said nearer to the job counts for more: a flag before a file, a file before a proxy of the caller's. */
export function environmentsOf(flags: EnvironmentFlags, sources: ValueSources): Environments {
  const plain = parseEnvironment(flags.env ?? [], '--env', sources);
  const secret = parseSecrets(flags.secretEnv ?? [], sources);
  const files = (flags.envFile ?? []).map(
    (path) => [`--env-file ${path}`, variablesOfFile(path, sources)] as const,
  );
  const ofFiles = Object.assign({}, ...files.map(([, variables]) => variables));
  const said = new Set(Object.keys({ ...ofFiles, ...plain, ...secret }));
  const proxies = flags.envProxy === true ? proxiesOf(sources).filter(([name]) => !said.has(name)) : [];
  const those = (hasPassword: boolean) =>
    Object.fromEntries(proxies.filter(([, value]) => HAS_PASSWORD.test(value) === hasPassword));
  const environment = { ...those(false), ...ofFiles, ...plain };
  const secretEnvironment = { ...those(true), ...secret };
  // The nearest first.
  const given = [
    ['--env', plain] as const,
    ...files.toReversed(),
    ['--secret-env', secret] as const,
    ['--env-proxy', Object.fromEntries(proxies)] as const,
  ].filter(([, variables]) => Object.keys(variables).length > 0);
  const flagOf = (name?: string): string =>
    given
      .filter(([, variables]) => name === undefined || Object.hasOwn(variables, name))
      .slice(0, name === undefined ? given.length : 1)
      .map(([flag]) => flag)
      .join(' and ');
  return { environment, secretEnvironment, flagOf };
}

/**
 * Settings as a record, in the order given; of one name given twice the last counts, as in a shell.
 *
 * @param flag named in the error
 */
export function parseEnvironment(
  settings: readonly string[],
  flag: string,
  { variable }: Pick<ValueSources, 'variable'>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    const name = equals === -1 ? setting : setting.slice(0, equals);
    if (name === '') {
      // A setting may be a secret that lost its name: it is not repeated.
      throw usageError(flag, 'a name is missing before =', 'Write NAME=VALUE.');
    }
    if (name === '__proto__') {
      // No JavaScript object on the way to the helper can hold it; better refused than lost.
      throw usageError(`${flag} ${name}`, 'cannot be set');
    }
    const value = equals === -1 ? (NAME.test(name) ? variable(name) : undefined) : setting.slice(equals + 1);
    if (value === undefined) {
      throw usageError(
        flag,
        'a = is missing, and there is no variable of that name here',
        'Write NAME=VALUE, or NAME for the value that it has here.',
      );
    }
    environment[name] = value;
  }
  return environment;
}

function parseSecrets(settings: readonly string[], sources: ValueSources): Record<string, string> {
  const secrets = parseEnvironment(settings, '--secret-env', sources);
  const ofFiles = settings
    .filter((setting) => /^[^=]+=@/.test(setting))
    .map((setting) => setting.split('=@')[0]);
  for (const name of ofFiles as string[]) {
    const value = secrets[name];
    if (value?.startsWith('@')) {
      // As `$(cat FILE)` would: hardly any secret ends with a line break, and nearly every file does.
      secrets[name] = sources.file(value.slice(1)).replace(/\r?\n$/, '');
    }
  }
  return secrets;
}

/** Lines of `NAME=value`, as an `.env` file has them: quotes around a value are not part of it, `#` begins a line that says nothing. */
function variablesOfFile(path: string, sources: ValueSources): Record<string, string> {
  const lines = sources.file(path).split(/\r?\n/);
  const settings = lines.flatMap((line, index) => {
    if (line.trim() === '' || line.trim().startsWith('#')) {
      return [];
    }
    const [, name, value] = /^\s*(?:export\s+)?([^\s=]+)(?:=(.*))?$/.exec(line) ?? [];
    if (name === undefined) {
      throw usageError(`--env-file ${path}`, `line ${index + 1} is no NAME=VALUE`);
    }
    const [, , unquoted] = /^(["'])(.*)\1$/.exec(value ?? '') ?? [];
    return [value === undefined ? name : `${name}=${unquoted ?? value}`];
  });
  return parseEnvironment(settings, `--env-file ${path}`, sources);
}

function proxiesOf({ variable }: ValueSources): [name: string, value: string][] {
  return PROXY_NAMES.flatMap((name) => {
    const value = variable(name);
    return value ? [[name, value] as [string, string]] : [];
  });
}
