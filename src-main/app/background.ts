/** What the app does while nobody looks at its window: the tray, and the news of jobs that end. */
import type { Job } from '../../native-helper/api/gen/joblet_pb.js';
import type { Order } from '../ipc/contract.ts';
import { findDesktopServices } from './desktop-services.ts';
import { newsOf } from './end-news.ts';
import { Gather } from './gather.ts';
import { logNewsOf } from './log-news.ts';
import { Notifications } from './notifications.ts';
import { RunningJobs } from './running-jobs.ts';
import type { Services } from './services.ts';
import { text } from './text.ts';
import { AppTray } from './tray.ts';

/** Ends that come so close together are told together, ms. */
const GATHER_MS = 1000;

export interface BackgroundOptions {
  readonly show: () => void;
  readonly quit: () => void;
}

/** After `ready`. */
export class Background implements Disposable {
  readonly #services: Services;
  readonly #options: BackgroundOptions;
  readonly #notifications = new Notifications();
  readonly #ends = new Gather<Job>(GATHER_MS, (jobs) => this.#tellOfEnds(jobs));
  readonly #changes = new Gather<void>(GATHER_MS, () => this.#tray.show(this.#ownJobs));
  readonly #jobs: RunningJobs;
  readonly #tray: AppTray;
  readonly #uid = process.getuid?.() ?? -1;

  constructor(services: Services, options: BackgroundOptions) {
    this.#services = services;
    this.#options = options;
    this.#tray = new AppTray({
      onShow: options.show,
      onJobs: () => this.#order({ order: 'open-page', page: 'jobs' }),
      onNewJob: () => this.#order({ order: 'open-page', page: 'new' }),
      onQuit: options.quit,
    });
    this.#jobs = new RunningJobs(services.link, {
      onChange: () => this.#changes.add(),
      // Others' jobs are their owners' to hear of.
      onEnd: (job) => job.ownerUid === this.#uid && this.#ends.add(job),
      onStep: (before, job) => job.ownerUid === this.#uid && this.#tellOfLog(before, job),
    });
  }

  /** How many jobs of the machine run. */
  countRunning(): number {
    return this.#jobs.countRunning();
  }

  get keepsRunning(): boolean {
    return this.#services.settings.current.value.keepInTray && this.#ownJobs > 0;
  }

  /**
   * For a window that has been hidden: tells where the app has gone. Not every desktop has a tray, and one with neither tray
   * nor notifications has no use for an app that nobody sees.
   */
  async stayOrQuit(): Promise<void> {
    const { hasTray, hasNotifications } = await findDesktopServices();
    if (!hasTray && !hasNotifications) {
      this.#options.quit();
      return;
    }
    const { hidden, inTray, inBackground } = text.notifications;
    const notice = { title: hidden(this.#ownJobs), body: hasTray ? inTray : inBackground };
    this.#notifications.show(notice, this.#options.show);
  }

  [Symbol.dispose](): void {
    this.#ends[Symbol.dispose]();
    this.#changes[Symbol.dispose]();
    this.#jobs[Symbol.dispose]();
    this.#tray[Symbol.dispose]();
  }

  /** How many of the user's have not ended. */
  get #ownJobs(): number {
    return this.#jobs.countOf(this.#uid);
  }

  #tellOfEnds(jobs: readonly Job[]): void {
    for (const news of newsOf(jobs, this.#services.settings.current.value.notify)) {
      this.#notifications.show(news, () => this.#order(news.order));
    }
  }

  /** Of a lack that somebody should mend, whatever news of ends its user wants. */
  #tellOfLog(before: Job, job: Job): void {
    const news = logNewsOf(before, job);
    if (news !== undefined) {
      this.#notifications.show(news, () => this.#order(news.order));
    }
  }

  #order(order: Order): void {
    this.#services.orders.give(order);
    this.#options.show();
  }
}
