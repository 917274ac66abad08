/** Volumes, as `volume create` and `volume list` tell of them. */
import { type Volume, VolumeType } from '../../../native-helper/api/gen/joblet_pb.js';
import { formatMemorySize } from '../arguments/size.ts';
import { type Paint, unpainted } from './colour.ts';
import { escapeControlCharacters } from './escape.ts';
import { approximateSize } from './metrics.ts';
import { table } from './table.ts';
import { localTime, rfc3339 } from './time.ts';

function typeName(type: VolumeType): string {
  return VolumeType[type]?.toLowerCase() ?? `unknown (${type})`;
}

function usedText({ usedBytes, fault }: Volume): string {
  if (fault !== '') {
    return escapeControlCharacters(fault);
  }
  return usedBytes === undefined ? '-' : approximateSize(usedBytes);
}

export function volumeText(volume: Volume): string {
  return [
    `Name: ${volume.name}`,
    `Size: ${formatMemorySize(volume.sizeBytes)}`,
    `Type: ${typeName(volume.type)}`,
    `Path: /volumes/${volume.name}`,
  ]
    .map((line) => `${escapeControlCharacters(line)}\n`)
    .join('');
}

export function volumeListText(volumes: readonly Volume[], paint: Paint = unpainted): string {
  if (volumes.length === 0) {
    return 'No volumes found\n';
  }
  const rows = volumes.map((volume) => [
    volume.name,
    formatMemorySize(volume.sizeBytes),
    typeName(volume.type),
    localTime(volume.createdUs),
    usedText(volume),
    String(volume.jobs),
  ]);
  return table(['NAME', 'SIZE', 'TYPE', 'CREATED', 'USED', 'JOBS'], rows, paint);
}

export function volumeJson(volume: Volume): Readonly<Record<string, unknown>> {
  return {
    name: volume.name,
    size_bytes: volume.sizeBytes,
    size: formatMemorySize(volume.sizeBytes),
    type: typeName(volume.type),
    created_time: rfc3339(volume.createdUs),
    path: `/volumes/${volume.name}`,
    used_bytes: volume.usedBytes,
    jobs: volume.jobs,
    owner_uid: volume.ownerUid,
    fault: volume.fault || undefined,
  };
}
