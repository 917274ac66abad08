/** Numbers as people read them. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1.4 GiB`: three digits at most, units of 1024 as memory and the kernel count. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // From 999.5 on, rounding would make four digits of it.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

/** Whole percent; what is above nothing and rounds to it is `<1`. */
export function formatPercent(percent: number): string {
  return percent > 0 && percent < 0.5 ? '<1 %' : `${Math.round(percent)} %`;
}

/** `2026-11-25 09:24:32`, local. @param us microseconds since the epoch; 0 is `–` */
export function formatTime(us: number): string {
  if (us === 0) {
    return '–';
  }
  const date = new Date(us / 1000);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

const SECOND_US = 1_000_000;
const STEPS = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'h', seconds: 3600 },
  { unit: 'min', seconds: 60 },
] as const;

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 4 min`, `3 d 1 h`: the two largest units that say something. */
export function formatDuration(us: number): string {
  const seconds = us / SECOND_US;
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  const step = STEPS.findIndex((each) => whole >= each.seconds);
  if (step === -1) {
    return `${whole} s`;
  }
  const { unit, seconds: size } = STEPS[step] as (typeof STEPS)[number];
  const next = STEPS[step + 1] ?? { unit: 's', seconds: 1 };
  const rest = Math.floor((whole % size) / next.seconds);
  return `${Math.floor(whole / size)} ${unit}${rest > 0 ? ` ${rest} ${next.unit}` : ''}`;
}

/** `2 h`: of such a time the largest unit alone. */
export function formatRoughly(us: number): string {
  return formatDuration(us).split(' ', 2).join(' ');
}
