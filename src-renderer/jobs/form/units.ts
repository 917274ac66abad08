/** Sizes, times and shares as people type them. Each `format` writes what its `parse` reads back as the same number. */

/** What was typed means `value`, or nothing, which `fault` says why. */
export type Typed<Value> = { readonly value: Value } | { readonly fault: string };

interface Unit {
  readonly name: string;
  readonly size: bigint;
}

/** As the command line counts: 1 MB is 1048576 bytes. */
const SIZES: readonly Unit[] = [
  { name: 'TB', size: 1024n ** 4n },
  { name: 'GB', size: 1024n ** 3n },
  { name: 'MB', size: 1024n ** 2n },
  { name: 'KB', size: 1024n },
  { name: 'B', size: 1n },
];
const TIMES: readonly Unit[] = [
  { name: 'd', size: 86_400_000n },
  { name: 'h', size: 3_600_000n },
  { name: 'm', size: 60_000n },
  { name: 's', size: 1000n },
  { name: 'ms', size: 1n },
];
/** Digits after the point that are read; more are no size that anybody means. */
const DECIMALS = 6;

/** Bytes from `512 MB`, `1.5 GB`, `2g`, `1GiB`; a number alone is megabytes. */
export function parseBytes(typed: string): Typed<bigint> {
  const match = /^(\d{1,19})(?:[.,](\d{1,6}))?\s*(?:([kmgt])(?:i?b)?|b|bytes)?$/i.exec(typed.trim());
  if (match === null) {
    return { fault: 'is not a size; write 512 MB or 1.5 GB' };
  }
  const [whole, number = '', decimals = '', letter] = match;
  const isBytes = letter === undefined && /b(?:ytes)?$/i.test(whole);
  const unit = isBytes ? 'B' : `${letter?.toUpperCase() ?? 'M'}B`;
  const size = SIZES.find(({ name }) => name === unit)?.size ?? 1n;
  const scale = 10n ** BigInt(DECIMALS);
  const scaled = BigInt(number) * scale + BigInt(decimals.padEnd(DECIMALS, '0'));
  // Half a byte is none: rounded up, so that nobody gets less than was asked for.
  return { value: (scaled * size + scale - 1n) / scale };
}

/** `1536 MB`: in the largest unit that is exact. */
export function formatBytesExactly(bytes: bigint): string {
  const unit = SIZES.find(({ size }) => bytes >= size && bytes % size === 0n);
  return unit === undefined ? `${bytes} B` : `${bytes / unit.size} ${unit.name}`;
}

/** Milliseconds from `30s`, `5m`, `1h`, `2h 30m`, `1d`, `500 ms`; a number alone is seconds. */
export function parseDuration(typed: string): Typed<bigint> {
  const text = typed.trim().toLowerCase();
  if (/^\d{1,12}$/.test(text)) {
    return { value: BigInt(text) * 1000n };
  }
  const match =
    /^(?:(\d{1,9})\s*d)?\s*(?:(\d{1,9})\s*h)?\s*(?:(\d{1,9})\s*m(?:in)?(?!s))?\s*(?:(\d{1,12})\s*s)?\s*(?:(\d{1,15})\s*ms)?$/.exec(
      text,
    );
  if (match === null || text === '') {
    return { fault: 'is not a length of time; write 30s, 5m or 2h 30m' };
  }
  return {
    value: TIMES.reduce((sum, { size }, index) => sum + BigInt(match[index + 1] ?? 0) * size, 0n),
  };
}

/** `2h 30m`: each unit that says something, the largest first. */
export function formatDurationExactly(milliseconds: bigint): string {
  let rest = milliseconds;
  const parts = TIMES.flatMap(({ name, size }) => {
    const number = rest / size;
    rest %= size;
    return number === 0n ? [] : [`${number}${name}`];
  });
  return parts.join(' ') || '0s';
}

/** Percent of a core from `150`, `150 %`, `1.5 cores`. */
export function parsePercent(typed: string): Typed<number> {
  const match = /^(\d{1,9})(?:[.,](\d{1,2}))?\s*(%|cores?)?$/i.exec(typed.trim());
  const isCores = match?.[3] !== undefined && match[3] !== '%';
  if (match === null || (match[2] !== undefined && !isCores)) {
    return { fault: 'is not a share; write 150 % or 1.5 cores' };
  }
  const whole = Number(match[1]);
  return { value: isCores ? whole * 100 + Number((match[2] ?? '').padEnd(2, '0')) : whole };
}

export function formatPercentExactly(percent: number): string {
  return `${percent} %`;
}

/** A whole number; spaces and commas between thousands are passed over. */
export function parseWhole(typed: string): Typed<bigint> {
  const text = typed.trim();
  return /^\d{1,3}(?:([ ,])\d{3}(?:\1\d{3})*)?$|^\d{1,19}$/.test(text)
    ? { value: BigInt(text.replaceAll(/[ ,]/g, '')) }
    : { fault: 'is not a whole number' };
}

interface Retry {
  readonly attempts: number;
  readonly delayMs: bigint;
  readonly backoff: number;
}

/** More attempts, the time before each, and how often that time grows: `3`, `3, 10s apart`, `5, 10s apart, 2 times longer each`. */
export function parseRetry(typed: string): Typed<Retry> {
  const match =
    /^(\d{1,9})(?:\s*[,:]\s*(.+?)(?:\s+apart)?(?:\s*[,:]\s*(\d{1,9})(?:\s*times longer each)?)?)?$/i.exec(
      typed.trim(),
    );
  const [, attempts = '0', wait, backoff = '0'] = match ?? [];
  const delay = wait === undefined ? { value: 0n } : parseDuration(wait);
  if (match === null || 'fault' in delay || attempts === '0') {
    return { fault: 'is not a number of attempts; write 3 or 3, 10s apart' };
  }
  return { value: { attempts: Number(attempts), delayMs: delay.value, backoff: Number(backoff) } };
}

export function formatRetry({ attempts, delayMs, backoff }: Retry): string {
  if (attempts === 0) {
    return '';
  }
  const growth = backoff > 0 ? `, ${backoff} times longer each` : '';
  return delayMs === 0n && growth === ''
    ? String(attempts)
    : `${attempts}, ${formatDurationExactly(delayMs)} apart${growth}`;
}

/** `team=core, stage=test`; a word alone is a label without a value. */
export function parseLabels(typed: string): Typed<Record<string, string>> {
  const settings = typed.split(/[,\s]+/).filter((each) => each !== '');
  const labels = settings.map((setting) => {
    const equals = setting.indexOf('=');
    return equals === -1 ? [setting, ''] : [setting.slice(0, equals), setting.slice(equals + 1)];
  });
  return { value: Object.fromEntries(labels) };
}

export function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => (value === '' ? key : `${key}=${value}`))
    .join(', ');
}

interface VolumeMount {
  readonly name: string;
  readonly readOnly: boolean;
}

/** `data, cache:ro` */
export function parseVolumes(typed: string): Typed<VolumeMount[]> {
  const settings = typed.split(/[,\s]+/).filter((each) => each !== '');
  return {
    value: settings.map((setting) => ({
      name: setting.replace(/:r[ow]$/, ''),
      readOnly: setting.endsWith(':ro'),
    })),
  };
}

export function formatVolumes(volumes: readonly VolumeMount[]): string {
  return volumes.map(({ name, readOnly }) => (readOnly ? `${name}:ro` : name)).join(', ');
}
