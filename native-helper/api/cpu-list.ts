/** Lists of processors, as cpuset(7) and taskset(1) write them: `0-3,8`. */
import * as z from './schema.ts';

/** NR_CPUS of the largest kernels that distributions build. */
const MAX_CPUS = 8192;
/** A plan has no room for a longer one. */
const MAX_BYTES = 255;

const CPU_LIST = /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/;

/** The ranges of a list of processors such as `0-3,8`, first and last included: cpuset(7), "List format". */
function cpuRanges(list: string): (readonly [first: number, last: number])[] {
  return list.split(',').map((range) => {
    const [first = '', last = first] = range.split('-');
    return [Number(first), Number(last)];
  });
}

export const cpuListSchema = z.string().check(
  z.maxLength(MAX_BYTES),
  z.regex(CPU_LIST, { error: 'must be a list of processors, such as 0-3 or 1,3', abort: true }),
  z.refine(
    (list) => cpuRanges(list).every(([first, last]) => first <= last),
    'must not hold a range that ends before it begins',
  ),
  z.refine(
    (list) => cpuRanges(list).every(([, last]) => last < MAX_CPUS),
    `must not hold a number above ${MAX_CPUS - 1}`,
  ),
);

/** The processors of a list. */
export function cpusOf(list: string): Set<number> {
  const ranges = list === '' ? [] : cpuRanges(list);
  return new Set(
    ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index)),
  );
}

/** The one list of these processors that the kernel writes: in order, neighbours together. Never longer than one that was typed. */
export function cpuListOf(cpus: ReadonlySet<number>): string {
  const ranges: [first: number, last: number][] = [];
  for (const cpu of [...cpus].sort((one, other) => one - other)) {
    const range = ranges.at(-1);
    if (range?.[1] === cpu - 1) {
      range[1] = cpu;
    } else {
      ranges.push([cpu, cpu]);
    }
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
