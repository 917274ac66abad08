/**
 * How a built helper comes to where only root writes. The rule behind it: **nothing that its user can write is ever run as
 * root.** A path to a script in the checkout would break it, so `sudo` is given the text itself. What the text copies is
 * checked by hash after the copy, when no user can swap it any more, and only then gets its name and is started. Until then
 * only root can read it: what was asked for might be a link to somebody's secret.
 *
 * Later starts need no copy: `elevate-start` is in place then, and pkexec runs that one fixed path (graphical-prompt.ts). A new
 * build is a new decision of the administrator's and is installed by `sudo` again.
 */

/** Read by `/bin/sh -euc`; the arguments after its name are those of `installCommand`. */
const INSTALL_SCRIPT = `umask 022
bin=$5/var/lib/joblet/bin
mkdir -p "$bin"
umask 077
rm -rf "$bin/new"
mkdir "$bin/new"
cp -- "$1/joblet-helper" "$1/elevate-start" "$bin/new"
cd "$bin/new"
printf "%s  %s\\n" "$2" joblet-helper "$3" elevate-start | sha256sum --check --quiet
chmod 755 . joblet-helper elevate-start
cd ..
rm -rf -- "$4"
mv -T new "$4"
ln -sfn "$4" current
ln -sfn current/elevate-start elevate-start
find . -mindepth 1 -maxdepth 1 -type d ! -name "$4" -exec rm -rf {} +
[ "$6" = 0 ] || export SUDO_UID="$6"
exec "$bin/elevate-start"`;

export interface Installation {
  /** The folder that holds `joblet-helper` and `elevate-start` as they were built. */
  readonly directory: string;
  /** SHA-256 in hexadecimal. */
  readonly helperHash: string;
  readonly starterHash: string;
  readonly buildId: string;
  /** `` for the machine itself, a folder in tests. */
  readonly root: string;
  /** Who asks, and is let in whoever's `sudo` runs it; 0 leaves that to what `sudo` says. */
  readonly uid: number;
}

/** What root runs, as an argument vector that begins with the program. */
export function installCommand(installation: Installation): [program: string, ...argv: string[]] {
  const { directory, helperHash, starterHash, buildId, root, uid } = installation;
  const argv = [directory, helperHash, starterHash, buildId, root, String(uid)];
  return ['/bin/sh', '-euc', INSTALL_SCRIPT, 'joblet', ...argv];
}

/** The same for a person to read, and to paste into a shell. */
export function installCommandLine(installation: Installation): string {
  return ['sudo', ...installCommand(installation).map(quote)].join(' ');
}

/** For a POSIX shell: everything between single quotes stands for itself. */
function quote(word: string): string {
  return /^[\w@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
