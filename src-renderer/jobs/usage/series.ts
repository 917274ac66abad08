/** From what a job used at moments to lines of a chart. */
import type { UsagePoint } from '../../../src-main/ipc/contract.ts';

export type Measure = Exclude<keyof UsagePoint, 'timeUs'>;

/** As uPlot wants it: seconds since the epoch, then a column a line; null draws nothing. */
export type Columns = [times: number[], ...lines: (number | null)[][]];

const US_PER_SECOND = 1_000_000;
/** Times the usual distance between two samples: then nobody was there to take one, and no line is drawn over it. */
const GAP = 2.5;

export function columnsOf(points: readonly UsagePoint[], measures: readonly Measure[]): Columns {
  const longest = GAP * usualDistance(points);
  const times: number[] = [];
  const lines: (number | null)[][] = measures.map(() => []);
  let beforeUs: number | undefined;
  for (const point of points) {
    if (beforeUs !== undefined && point.timeUs - beforeUs > longest) {
      times.push((beforeUs + point.timeUs) / 2 / US_PER_SECOND);
      for (const line of lines) {
        line.push(null);
      }
    }
    times.push(point.timeUs / US_PER_SECOND);
    for (const [index, measure] of measures.entries()) {
      lines[index]?.push(point[measure]);
    }
    beforeUs = point.timeUs;
  }
  return [times, ...lines];
}

/** The median: samples of a long job are thinned out, and the newest ones lie closer. */
function usualDistance(points: readonly UsagePoint[]): number {
  const distances = points.slice(1).map(({ timeUs }, index) => timeUs - (points[index]?.timeUs ?? 0));
  distances.sort((one, other) => one - other);
  return distances[Math.floor(distances.length / 2)] ?? 0;
}

/** Whether this machine counts any of it. */
export function isCounted(points: readonly UsagePoint[], measures: readonly Measure[]): boolean {
  return points.some((point) => measures.some((measure) => point[measure] !== null));
}
