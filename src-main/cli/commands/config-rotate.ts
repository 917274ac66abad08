import type { Command } from 'commander';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';
import { localTime, rfc3339 } from '../format/time.ts';

interface ConfigRotateFlags {
  readonly authority?: boolean;
}

function declare(command: Command): void {
  command.option(
    '--authority',
    "renew the authority and the helper's certificate too; every client needs a new one",
  );
}

async function run(invocation: Invocation<ConfigRotateFlags>): Promise<number> {
  const { cli, flags, globals } = invocation;
  const authority = flags.authority === true;
  const { paths, clientNotAfterUs } = await withClient(invocation, (client) =>
    client.helper.rotateCertificates({ authority }),
  );
  await cli.stdout.write(
    globals.json
      ? jsonText({ paths, client_valid_until: rfc3339(clientNotAfterUs) })
      : [
          'Certificates rotated successfully:',
          ...paths.map((path) => `Written: ${escapeControlCharacters(path)}`),
          `Client certificate valid until: ${localTime(clientNotAfterUs)}`,
          '',
        ].join('\n'),
  );
  return ExitCode.success;
}

export const command: CommandModule<ConfigRotateFlags> = { declare, run };
