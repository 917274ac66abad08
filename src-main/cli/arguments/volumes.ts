import type { VolumeMount } from '../../../native-helper/api/volume.ts';
import { usageError } from '../errors.ts';

/** `NAME`, `NAME:ro`, `NAME:rw`; names are checked by the schema. */
export function parseVolumes(settings: readonly string[]): VolumeMount[] {
  return settings.map((setting) => {
    const [name = '', access = 'rw', ...rest] = setting.split(':');
    if (rest.length > 0 || !['ro', 'rw'].includes(access)) {
      throw usageError(`--volume ${setting}`, 'is no volume', 'Write NAME, or NAME:ro for one to read only.');
    }
    return { name, readOnly: access === 'ro' };
  });
}

/** What `parseVolumes` reads back as the same. */
export function formatVolume({ name, readOnly }: Pick<VolumeMount, 'name' | 'readOnly'>): string {
  return readOnly ? `${name}:ro` : name;
}
