/** Keeps the machine from going to sleep while jobs run: systemd-logind's inhibitor locks, by systemd-inhibit(1). */
import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { type DoctorCheck, DoctorCheckSchema } from '../../api/gen/joblet_pb.js';
import type { Logger } from '../log.ts';

/** Never looked up in PATH: it runs as root. */
const INHIBIT = '/usr/bin/systemd-inhibit';
/** Ends when its standard input does, which ends with us, however that comes. */
const HOLDER = '/bin/cat';
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
/** logind's own: where it does not run, nothing puts the machine to sleep that would ask it. */
const LOGIND = '/run/systemd/seats';

export class KeepAwake {
  readonly #isWanted: boolean;
  readonly #logger: Logger;
  #holder: ChildProcess | undefined;
  /** It could not be had, and is not asked for again before jobs have rested. */
  #isDenied = false;

  constructor(isWanted: boolean, logger: Logger) {
    this.#isWanted = isWanted;
    this.#logger = logger;
  }

  /** Again and again does no harm. */
  hold(isHeld: boolean): void {
    if (!isHeld) {
      this.#isDenied = false;
      this.#holder?.stdin?.end();
      this.#holder = undefined;
    } else if (this.#isWanted && this.#holder === undefined && !this.#isDenied && isThere()) {
      this.#holder = this.#inhibit();
    }
  }

  /** What the doctor says of it. */
  examine(): DoctorCheck {
    const available = isThere();
    return create(DoctorCheckSchema, {
      name: 'staying awake while jobs run',
      available: available && this.#isWanted,
      required: false,
      found: available
        ? this.#isWanted
          ? INHIBIT
          : 'switched off: jobs.keep_awake'
        : `no ${exists(INHIBIT) ? 'systemd-logind' : INHIBIT}`,
      mend: available
        ? this.#isWanted
          ? ''
          : 'Set jobs.keep_awake to true.'
        : 'Keep the machine from sleeping by the settings of its desktop.',
    });
  }

  #inhibit(): ChildProcess {
    const what = ['--what=sleep', '--mode=block', '--who=Joblet', '--why=Jobs are running'];
    const holder = spawn(INHIBIT, [...what, HOLDER], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: ENVIRONMENT,
    });
    const onEnd = (reason: unknown): void => {
      if (this.#holder === holder) {
        this.#holder = undefined;
        this.#isDenied = true;
        this.#logger.warn({ reason }, 'the machine may go to sleep while jobs run: the inhibitor ended');
      }
    };
    holder.once('error', onEnd);
    holder.once('exit', onEnd);
    holder.stdin?.on('error', () => undefined);
    return holder;
  }
}

function isThere(): boolean {
  return exists(INHIBIT) && exists(LOGIND);
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
