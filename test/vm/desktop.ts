/**
 * What of a desktop pkexec needs: the system bus, polkit, an agent that asks for the password, and people. All of it is
 * Debian's own and runs for real; only the rules and the people are ours. It changes the system that it runs on, so it runs in
 * the machine alone.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

export interface Person {
  readonly name: string;
  readonly uid: number;
}

/** Polkit's rule says yes to the first at once, no to the second, and wants the third one's password. */
export const TRUSTED: Person = { name: 'joblet-trusted', uid: 4301 };
export const BARRED: Person = { name: 'joblet-barred', uid: 4302 };
export const ASKED: Person = { name: 'joblet-asked', uid: 4303 };
const PEOPLE = [TRUSTED, BARRED, ASKED];

export const PASSWORD = 'correct horse';
/** crypt(5) of it, with few rounds: the machine is emulated. */
const PASSWORD_HASH = '$5$rounds=1000$joblet$PEVx91QLM27N4Ya5sMOPmdX7HsZqn9PwBqOMIgvOdRC';

/** What pkexec is asked for, to the letter: for anything else the rule says yes to nobody. */
const COMMAND_LINE = '/bin/bash -c echo SUDOPROMPT; /var/lib/joblet/bin/elevate-start';
const RULES = `
polkit.addAdminRule(function () { return ['unix-user:${ASKED.name}']; });
polkit.addRule(function (action, subject) {
  if (action.lookup('command_line') === ${JSON.stringify(COMMAND_LINE)} && subject.user === '${TRUSTED.name}') {
    return polkit.Result.YES;
  }
  return subject.user === '${ASKED.name}' ? polkit.Result.AUTH_ADMIN : polkit.Result.NO;
});
`;

const BUS = '/run/dbus/system_bus_socket';
const POLKITD = '/usr/lib/polkit-1/polkitd';
const PATIENCE_MS = 90_000;
/** Each look costs the emulated processor more than a glance. */
const POLL_MS = 50;

/** The bus and polkit, until they are disposed of. */
export class Desktop implements Disposable {
  readonly #bus: ChildProcess;
  readonly #polkit: ChildProcess;

  private constructor(bus: ChildProcess, polkit: ChildProcess) {
    this.#bus = bus;
    this.#polkit = polkit;
  }

  static async start(): Promise<Desktop> {
    if (process.env.JOBLET_VM === undefined) {
      throw new Error(
        'this changes the users and the polkit rules of the system: run it in the machine only',
      );
    }
    makePeople();
    replaceRules();
    const bus = await startSystemBus();
    const polkit = daemon(POLKITD, []);
    let said = '';
    polkit.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until(() => said.includes('Acquired the name org.freedesktop.PolicyKit1'));
    return new Desktop(bus, polkit);
  }

  /**
   * Starts what calls pkexec, with an agent there to ask for the password; resolves when it asks. Without sessions polkit looks
   * for the agent of just the process that called pkexec, so pkexec has to wait until that one has got it.
   */
  async ask(start: () => PersonsProcess): Promise<{ command: PersonsProcess; agent: PasswordAgent }> {
    this.#polkit.kill('SIGSTOP');
    const command = start();
    const pkexec = await until(() => processesThatRun(/^\/usr\/bin\/pkexec\0/)[0]);
    process.kill(pkexec, 'SIGSTOP');
    this.#polkit.kill('SIGCONT');
    const agent = await PasswordAgent.register(command.person, parentOf(pkexec));
    process.kill(pkexec, 'SIGCONT');
    await until(() => agent.isAsking);
    return { command, agent };
  }

  [Symbol.dispose](): void {
    this.#polkit.kill('SIGKILL');
    this.#bus.kill('SIGKILL');
  }
}

const daemon = (program: string, argv: readonly string[]): ChildProcess =>
  spawn(program, argv, { stdio: ['ignore', 'pipe', 'ignore'], cwd: '/' });

/** A socket that an earlier bus has left would pass for one that listens. */
export async function startSystemBus(): Promise<ChildProcess> {
  mkdirSync(dirname(BUS), { recursive: true });
  rmSync(BUS, { force: true });
  const bus = daemon('dbus-daemon', ['--system', '--nofork', '--nopidfile']);
  await until(() => existsSync(BUS));
  return bus;
}

/** /etc/shadow is put in its place whole: the one of the host can be read by the host's root alone. */
function makePeople(): void {
  for (const { name, uid } of PEOPLE) {
    appendFileSync('/etc/passwd', `${name}:x:${uid}:${uid}::${homeOf({ name, uid })}:/bin/bash\n`);
    appendFileSync('/etc/group', `${name}:x:${uid}:\n`);
    mkdirSync(homeOf({ name, uid }));
    chownSync(homeOf({ name, uid }), uid, uid);
  }
  const shadow = join(mkdtempSync(join(tmpdir(), 'joblet-shadow-')), 'shadow');
  writeFileSync(shadow, `root:*:20000::::::\n${ASKED.name}:${PASSWORD_HASH}:20000::::::\n`, { mode: 0o600 });
  execFileSync('mount', ['--bind', shadow, '/etc/shadow']);
}

export const homeOf = ({ name }: Person): string => join('/home', name);

function replaceRules(): void {
  for (const folder of ['/etc/polkit-1/rules.d', '/usr/share/polkit-1/rules.d']) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'rules', folder]);
  }
  writeFileSync('/etc/polkit-1/rules.d/joblet.rules', RULES);
}

export interface Ending {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

/** A program that a person runs, without a terminal. */
export class PersonsProcess {
  readonly person: Person;
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;

  constructor(person: Person, [program, ...argv]: readonly [string, ...string[]], options: RunOptions = {}) {
    const child = spawn(program, argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      uid: person.uid,
      gid: person.uid,
      cwd: options.directory ?? homeOf(person),
      env: { PATH: '/usr/bin:/bin', HOME: homeOf(person), ...options.environment },
    });
    const closed = once(child, 'close');
    this.person = person;
    this.#process = child;
    this.ended = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(
      ([[exitCode], stdout, stderr]) => ({ exitCode, stdout, stderr }),
    );
  }

  interrupt(): void {
    this.#process.kill('SIGINT');
  }
}

/** Debian's agent, on a terminal of its own that script(1) makes. It waits for {@link type}. */
export class PasswordAgent implements Disposable {
  readonly #process: ChildProcess;
  #screen = '';

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.stdout?.on('data', (chunk: Buffer) => {
      this.#screen += chunk.toString();
    });
  }

  static async register(person: Person, pid: number): Promise<PasswordAgent> {
    const fifo = join(homeOf(person), `agent-${pid}`);
    execFileSync('mkfifo', ['--mode', '666', fifo]);
    const registered = once(spawn('cat', [fifo], { stdio: 'ignore' }), 'exit');
    const command = `exec pkttyagent --process ${pid} --notify-fd 3 3>${fifo}`;
    const terminal = spawn('script', ['--quiet', '--command', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      uid: person.uid,
      gid: person.uid,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', SHELL: '/bin/sh' },
    });
    await registered;
    return new PasswordAgent(terminal);
  }

  get isAsking(): boolean {
    return this.#screen.includes('Password:');
  }

  type(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL');
  }
}

/** What asks for root's rights, down to pkexec. */
export const isPromptGone = (): boolean => processesThatRun(/sudo-prompt-child|bin\/pkexec/).length === 0;

/** What checks the password that an agent was given. pkttyagent hears that nobody wants it any more once a line is typed. */
export const isPasswordChecked = (): boolean => processesThatRun(/polkit-agent-helper/).length === 0;

/** @param pattern for the arguments, each with a NUL behind it. */
function processesThatRun(pattern: RegExp): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && pattern.test(commandLineOf(name)))
    .map(Number);
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8');
  } catch {
    return ''; // It has ended since.
  }
}

/** proc_pid_stat(5): the name is in brackets, the parent comes two fields later. */
function parentOf(pid: number): number {
  return Number(/^.*\) . (\d+)/s.exec(readFileSync(join('/proc', `${pid}`, 'stat'), 'utf8'))?.[1]);
}

/** @throws Error when the look still finds nothing after {@link PATIENCE_MS}. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(POLL_MS)) {
    const found = look();
    if (found !== undefined && found !== false) {
      return found;
    }
  }
  throw new Error(`not seen within ${PATIENCE_MS / 1000} s: ${look}`);
}
