import type { Command } from 'commander';
import { VolumeType } from '../../../native-helper/api/gen/joblet_pb.js';
import { MAX_VOLUME_BYTES, MIN_VOLUME_BYTES } from '../../../native-helper/api/volume.ts';
import { formatMemorySize, parseMemorySize } from '../arguments/size.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode, usageError } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { volumeJson, volumeText } from '../format/volume.ts';

interface VolumeCreateFlags {
  readonly size?: string;
  readonly type?: string;
}

const TYPES: Readonly<Record<string, VolumeType>> = {
  filesystem: VolumeType.FILESYSTEM,
  memory: VolumeType.MEMORY,
};

function declare(command: Command): void {
  command
    .argument('<name>', '1 to 63 letters, digits, - _ . beginning with a letter or digit')
    .option('--size <size>', 'how much it can hold: 512MB, 10GB; a number alone is megabytes')
    .option('--type <type>', 'filesystem (on disk) or memory (default: filesystem)');
}

async function run(invocation: Invocation<VolumeCreateFlags>): Promise<number> {
  const { cli, flags, globals, operands } = invocation;
  const [name = ''] = operands;
  const type = TYPES[flags.type ?? 'filesystem'];
  if (flags.size === undefined) {
    throw usageError('--size', 'is missing', 'A volume always has one, such as --size 1GB.');
  }
  if (type === undefined) {
    throw usageError('--type', `'${flags.type}' is no type`, 'One of: filesystem, memory.');
  }
  const sizeBytes = parseMemorySize(flags.size, '--size');
  if (sizeBytes < MIN_VOLUME_BYTES || sizeBytes > MAX_VOLUME_BYTES) {
    const [least, most] = [MIN_VOLUME_BYTES, MAX_VOLUME_BYTES].map(formatMemorySize);
    throw usageError('--size', `must be ${least} to ${most}`);
  }
  const volume = await withClient(invocation, (client) =>
    client.volumes.createVolume({ name, type, sizeBytes }),
  );
  await cli.stdout.write(
    globals.json ? jsonText(volumeJson(volume)) : `Volume created successfully:\n${volumeText(volume)}`,
  );
  return ExitCode.success;
}

export const command: CommandModule<VolumeCreateFlags> = { declare, run };
