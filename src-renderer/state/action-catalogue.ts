/**
 * Every action of the app, in groups, with its name and its usual key: what the settings list. Who does an action, and when it
 * can be done, says the component that offers it (actions.svelte.ts).
 */
import { text } from '../text.ts';

type PageName = keyof typeof text.pages;

interface Entry {
  readonly label: string;
  /** Such as `Ctrl+K`, `?` or `Delete`; empty: none. The settings may say another. */
  readonly key: string;
}

interface Entries {
  readonly title: string;
  /** The page that has them; absent: each has. */
  readonly page?: PageName;
  /** Ids stand in people's settings, so an action keeps the one that it has. */
  readonly actions: Readonly<Record<string, Entry>>;
}

/** What is everywhere comes first: of two actions of one key the later one gets it, and that is the page's own. */
const CATALOGUE = {
  everywhere: {
    title: text.keySheet.everywhere,
    actions: {
      palette: { label: text.actions.palette, key: 'Ctrl+K' },
      keys: { label: text.actions.keys, key: '?' },
      'new-job': { label: text.actions.newJob, key: 'Ctrl+N' },
      back: { label: text.actions.back, key: 'Alt+ArrowLeft' },
      'open-jobs': { label: text.actions.openJobs, key: 'Ctrl+1' },
      'open-machine': { label: text.actions.openMachine, key: 'Ctrl+2' },
      'open-doctor': { label: text.actions.openDoctor, key: 'Ctrl+3' },
      'open-resources': { label: text.actions.openResources, key: 'Ctrl+4' },
      'open-settings': { label: text.actions.openSettings, key: 'Ctrl+,' },
      'open-gallery': { label: text.actions.openGallery, key: '' },
      larger: { label: text.actions.larger, key: 'Ctrl++' },
      smaller: { label: text.actions.smaller, key: 'Ctrl+-' },
      'usual-size': { label: text.actions.usualSize, key: 'Ctrl+0' },
      theme: { label: text.actions.theme, key: '' },
      'dismiss-news': { label: text.actions.dismissNews, key: 'Alt+W' },
    },
  },
  helper: {
    title: text.link.label,
    actions: {
      'helper.start': { label: text.link.startOrReplace, key: 'Alt+H' },
      'helper.copy-command': { label: text.link.copyInstallCommand, key: 'Alt+I' },
    },
  },
  jobs: {
    title: text.pages.jobs,
    page: 'jobs',
    actions: {
      'jobs.search': { label: text.jobs.search, key: 'Ctrl+F' },
      'jobs.open': { label: text.jobs.open, key: 'Ctrl+O' },
      'jobs.stop': { label: text.jobs.stop, key: 'S' },
      'jobs.pause': { label: text.jobs.pause, key: 'P' },
      'jobs.resume': { label: text.jobs.resume, key: 'Shift+P' },
      'jobs.delete': { label: text.jobs.delete, key: 'Delete' },
      'jobs.break-off': { label: text.jobs.bulk.breakOff, key: 'Alt+B' },
      'jobs.choose-all': { label: text.jobs.chooseAll, key: 'Ctrl+A' },
      'jobs.choose-none': { label: text.jobs.chooseNone, key: 'Ctrl+Shift+A' },
      'jobs.show-all': { label: text.jobs.nothing.reset, key: 'Alt+0' },
      'jobs.filter.all': { label: text.jobs.showOnly(text.jobs.filters.all), key: 'Alt+1' },
      'jobs.filter.live': { label: text.jobs.showOnly(text.jobs.filters.live), key: 'Alt+2' },
      'jobs.filter.completed': { label: text.jobs.showOnly(text.jobs.filters.completed), key: 'Alt+3' },
      'jobs.filter.failed': { label: text.jobs.showOnly(text.jobs.filters.failed), key: 'Alt+4' },
      'jobs.filter.stopped': { label: text.jobs.showOnly(text.jobs.filters.stopped), key: 'Alt+5' },
      'jobs.sort.status': { label: text.jobs.sortBy(text.jobs.columns.status), key: 'Alt+S' },
      'jobs.sort.name': { label: text.jobs.sortBy(text.jobs.columns.name), key: 'Alt+N' },
      'jobs.sort.command': { label: text.jobs.sortBy(text.jobs.columns.command), key: 'Alt+C' },
      'jobs.sort.created': { label: text.jobs.sortBy(text.jobs.columns.created), key: 'Alt+A' },
      'jobs.sort.duration': { label: text.jobs.sortBy(text.jobs.columns.duration), key: 'Alt+R' },
      'jobs.sort.cpu': { label: text.jobs.sortBy(text.jobs.columns.cpu), key: 'Alt+P' },
      'jobs.sort.memory': { label: text.jobs.sortBy(text.jobs.columns.memory), key: 'Alt+M' },
    },
  },
  new: {
    title: text.pages.new,
    page: 'new',
    actions: {
      'new-job.run': { label: text.newJob.run, key: 'Ctrl+Enter' },
      'new-job.fill': { label: text.newJob.fill, key: 'Alt+F' },
      'new-job.variable': { label: text.newJob.variables.add, key: 'Alt+V' },
      'new-job.unfold': { label: text.newJob.unfold, key: 'Alt+O' },
      'new-job.presets': { label: text.newJob.presets.open, key: 'Ctrl+P' },
      'new-job.clear': { label: text.newJob.clear, key: 'Alt+X' },
      'new-job.bring-back': { label: text.newJob.bringBack, key: 'Alt+Z' },
      'new-job.copy': { label: text.newJob.copyLine, key: 'Ctrl+Shift+C' },
    },
  },
  job: {
    title: text.pages.job,
    page: 'job',
    actions: {
      'job.output': { label: text.job.openOutput, key: 'O' },
      'job.terminal': { label: text.job.openTerminal, key: 'T' },
      'job.usage': { label: text.job.openUsage, key: 'U' },
      'job.details': { label: text.job.openDetails, key: 'D' },
      'job.stop': { label: text.job.stop, key: 'S' },
      'job.cancel': { label: text.job.cancel, key: 'X' },
      'job.upload': { label: text.job.upload, key: 'K' },
      'job.pause': { label: text.job.pauseOrResume, key: 'P' },
      'job.again': { label: text.job.again, key: 'R' },
      'job.change': { label: text.job.change, key: 'E' },
      'job.copy-line': { label: text.job.copyLine, key: 'C' },
      'job.copy-id': { label: text.job.copyId, key: 'I' },
      'job.download': { label: text.job.download, key: 'W' },
      'job.download-again': { label: text.download.resume, key: 'Alt+G' },
      'job.stop-download': { label: text.download.stop, key: 'Shift+W' },
      'job.delete': { label: text.job.delete, key: 'Delete' },
    },
  },
  output: {
    title: text.terminal.group,
    page: 'job',
    actions: {
      'output.search': { label: text.terminal.search, key: 'Ctrl+F' },
      'output.next': { label: text.terminal.next, key: 'F3' },
      'output.previous': { label: text.terminal.previous, key: 'Shift+F3' },
      'output.case': { label: text.terminal.caseSensitive, key: 'Alt+C' },
      'output.regex': { label: text.terminal.regex, key: 'Alt+R' },
      'output.follow': { label: text.terminal.toggleFollow, key: 'F' },
      'output.wrap': { label: text.terminal.wrap, key: 'Alt+Z' },
      'output.times': { label: text.terminal.times, key: 'Alt+T' },
      'output.stream': { label: text.terminal.nextStream, key: 'Alt+S' },
      'output.copy': { label: text.terminal.copy, key: 'Ctrl+C' },
      'output.select': { label: text.terminal.selectAll, key: 'Ctrl+A' },
      'output.save': { label: text.terminal.save, key: 'Ctrl+S' },
      'output.stop-saving': { label: text.terminal.stopSaving, key: 'Ctrl+Shift+S' },
      'output.end': { label: text.terminal.toEnd, key: 'End' },
      'output.top': { label: text.terminal.toTop, key: 'Home' },
      'output.start': { label: text.terminal.fromStart, key: 'Ctrl+Home' },
      'output.up': { label: text.terminal.pageUp, key: 'PageUp' },
      'output.down': { label: text.terminal.pageDown, key: 'PageDown' },
    },
  },
  log: {
    title: text.log.group,
    page: 'job',
    actions: {
      'log.matching': { label: text.log.onlyMatching, key: 'Alt+O' },
      'log.time': { label: text.log.goToTime, key: 'Ctrl+G' },
      'log.line-up': { label: text.log.lineUp, key: 'ArrowUp' },
      'log.line-down': { label: text.log.lineDown, key: 'ArrowDown' },
    },
  },
  input: {
    title: text.input.group,
    page: 'job',
    actions: {
      'input.write': { label: text.input.write, key: 'L' },
      'input.end': { label: text.input.end, key: 'Ctrl+D' },
    },
  },
  resources: {
    title: text.pages.resources,
    page: 'resources',
    actions: {
      'resources.list': { label: text.resources.again, key: 'F5' },
      'volumes.create': { label: text.resources.volumes.create, key: 'V' },
      'resources.remove': { label: text.resources.removePicked, key: 'Delete' },
      'networks.create': { label: text.resources.networks.create, key: 'N' },
    },
  },
  console: {
    title: text.console.group,
    page: 'job',
    actions: {
      'console.leave': { label: text.console.leave, key: 'Ctrl+Shift+L' },
      'console.enter': { label: text.console.enter, key: 'Ctrl+Enter' },
      'console.new': { label: text.console.newShell, key: 'Ctrl+Shift+T' },
      'console.close': { label: text.console.close, key: 'Ctrl+Shift+W' },
      'console.next': { label: text.console.next, key: 'Ctrl+Shift+ArrowRight' },
      'console.copy': { label: text.console.copy, key: 'Ctrl+Shift+C' },
    },
  },
  machine: {
    title: text.pages.machine,
    page: 'machine',
    actions: { measure: { label: text.machine.again, key: 'F5' } },
  },
  doctor: {
    title: text.pages.doctor,
    page: 'doctor',
    actions: { examine: { label: text.doctor.again, key: 'F5' } },
  },
  settings: {
    title: text.pages.settings,
    page: 'settings',
    actions: {
      'certificates.renew': { label: text.settings.certificates.renewYours, key: 'Alt+R' },
      'certificates.renew-authority': {
        label: text.settings.certificates.rotateAuthority,
        key: 'Alt+Shift+R',
      },
    },
  },
} as const satisfies Record<string, Entries>;

export type GroupName = keyof typeof CATALOGUE;
/** Of the actions in one group. */
export type IdIn<Name extends GroupName> = keyof (typeof CATALOGUE)[Name]['actions'];
export type ActionId = { [Name in GroupName]: IdIn<Name> }[GroupName];

export interface Action extends Entry {
  readonly id: ActionId;
  readonly page: PageName | undefined;
}

export interface ActionGroup {
  readonly name: GroupName;
  readonly title: string;
  readonly actions: readonly Action[];
}

export const ACTION_GROUPS: readonly ActionGroup[] = Object.entries<Entries>(CATALOGUE).map(
  ([name, { title, page, actions }]) => ({
    name: name as GroupName,
    title,
    actions: Object.entries(actions).map(([id, entry]) => ({ id: id as ActionId, page, ...entry })),
  }),
);

const ALL = ACTION_GROUPS.flatMap(({ actions }) => actions);
const BY_ID = new Map(ALL.map((action) => [action.id, action]));

/** @param keys those that a person has changed, by id */
export function keyOf(id: ActionId, keys: Readonly<Record<string, string>>): string {
  return keys[id] ?? BY_ID.get(id)?.key ?? '';
}

/** Another action of the same key that can be there at the same time. */
export function rivalOf(action: Action, keys: Readonly<Record<string, string>>): Action | undefined {
  const key = keyOf(action.id, keys);
  return key === ''
    ? undefined
    : ALL.find((other) => other !== action && keyOf(other.id, keys) === key && canMeet(action, other));
}

function canMeet(one: Action, other: Action): boolean {
  return one.page === undefined || other.page === undefined || one.page === other.page;
}
