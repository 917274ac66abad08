import type { VolumeMount } from '../../api/volume.ts';
import type { Mount, Slot } from './plan.ts';

/** A job's volumes at /volumes/NAME. Programs in them may run; set-uid bits and device nodes mean nothing there. */
export function volumeMounts(volumes: readonly VolumeMount[], open: (name: string) => Slot): Mount[] {
  return volumes.map(({ name, readOnly }) => ({
    kind: 'bind',
    target: `/volumes/${name}`,
    source: open(name),
    attributes: ['noSuid', 'noDevices', ...(readOnly ? (['readOnly'] as const) : [])],
  }));
}
