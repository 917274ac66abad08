import type { ReportLine } from '../../../src-main/ipc/contract.ts';

export interface LayerGroup {
  readonly layer: string;
  readonly lines: readonly ReportLine[];
}

/** In the order of the report, but layers with what differs from what was asked for first, and in them those lines first. */
export function groupedByLayer(report: readonly ReportLine[]): readonly LayerGroup[] {
  const groups = [...Map.groupBy(report, ({ layer }) => layer)].map(([layer, lines]) => ({
    layer,
    lines: lines.toSorted((one, other) => Number(one.ok) - Number(other.ok)),
  }));
  return groups.toSorted((one, other) => Number(isFine(one)) - Number(isFine(other)));
}

function isFine({ lines }: LayerGroup): boolean {
  return lines.every(({ ok }) => ok);
}
