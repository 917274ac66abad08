import type { CommandModule, Invocation } from '../cli.ts';
import { ExitCode } from '../errors.ts';

const HELP = `The client configuration names the helpers that can be asked, with the certificates for it: one file, one copy.

Looked for, the first that is there counts:
  1. --config PATH
  2. $RNX_CONFIG
  3. ./rnx-config.yml
  4. ./config/rnx-config.yml
  5. ~/.joblet/config.yml
  6. ~/.rnx/rnx-config.yml
  7. /etc/joblet/rnx-config.yml
  8. ROOT/etc/joblet/clients/UID.yml, which the helper makes for each user it allows (ROOT is / or what --root says)

It must be owned by you (or root) and readable by nobody else: chmod 600.

  version: 1
  nodes:
    default:
      address: unix:///run/joblet/joblet.sock
      nodeId: workstation
      isDefault: true
      cert: |
        -----BEGIN CERTIFICATE-----
        …
      key: |
        -----BEGIN PRIVATE KEY-----
        …
      ca: |
        -----BEGIN CERTIFICATE-----
        …

A node is chosen with --node NAME; else the one with isDefault, else the only one.

See what is in use:    PROGRAM config show
Check it:              PROGRAM config check
Make new certificates: PROGRAM config rotate
`;

async function run({ cli }: Invocation<object>): Promise<number> {
  await cli.stdout.write(HELP.replaceAll('PROGRAM', cli.programName));
  return ExitCode.success;
}

export const command: CommandModule = { declare: () => {}, run };
