/** The app's place in the tray: how many jobs run, and the way back to the window. */
import { Menu, nativeImage, Tray } from 'electron';
import { text } from './text.ts';
import { TRAY_ICON } from './tray-icon.ts';

export interface TrayActions {
  readonly onShow: () => void;
  readonly onJobs: () => void;
  readonly onNewJob: () => void;
  readonly onQuit: () => void;
}

export class AppTray implements Disposable {
  readonly #tray = new Tray(nativeImage.createFromDataURL(TRAY_ICON));
  readonly #actions: TrayActions;
  #count: number | undefined;

  constructor(actions: TrayActions) {
    this.#actions = actions;
    this.#tray.on('click', actions.onShow);
    this.show(0);
  }

  /** @param count how many jobs run */
  show(count: number): void {
    if (count === this.#count) {
      return;
    }
    this.#count = count;
    const running = text.tray.running(count);
    const { onShow, onJobs, onNewJob, onQuit } = this.#actions;
    this.#tray.setToolTip(`${text.name}: ${running}`);
    this.#tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: running, click: onJobs },
        { type: 'separator' },
        { label: text.tray.show, click: onShow },
        { label: text.tray.newJob, click: onNewJob },
        { type: 'separator' },
        { label: text.tray.quit, click: onQuit },
      ]),
    );
  }

  [Symbol.dispose](): void {
    this.#tray.destroy();
  }
}
