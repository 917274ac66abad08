/** What the desktop does for the app: its dialogs, its clipboard, its browser. */
import { type BrowserWindow, clipboard, dialog, shell } from 'electron';
import { JobletError } from '../../native-helper/api/errors.ts';
import { checkedAddress } from './address.ts';

export class Desktop {
  readonly #window: () => BrowserWindow | undefined;
  #isAsking = false;

  /** @param window the one that dialogs belong to */
  constructor(window: () => BrowserWindow | undefined) {
    this.#window = window;
  }

  write(text: string): void {
    clipboard.writeText(text);
  }

  /** @returns null when nobody wanted it after all. */
  async askWhereToSave(fileName: string): Promise<string | null> {
    const { filePath, canceled } = await this.#ask((window) =>
      dialog.showSaveDialog(window, { title: 'Save log', defaultPath: fileName }),
    );
    return canceled || filePath === '' ? null : filePath;
  }

  /** Only a person's yes opens it, and only after the whole address was shown. */
  async openAddress(text: string): Promise<void> {
    const { href, host } = checkedAddress(text);
    const { response } = await this.#ask((window) =>
      dialog.showMessageBox(window, {
        type: 'question',
        message: `Open ${host} in your browser?`,
        detail: href,
        buttons: ['Cancel', 'Open'],
        defaultId: 0,
        cancelId: 0,
        noLink: true,
      }),
    );
    if (response === 1) {
      await shell.openExternal(href);
    }
  }

  /** Tells a person of something that happened by itself. */
  async tell(message: string, detail: string): Promise<void> {
    await this.#ask((window) => dialog.showMessageBox(window, { type: 'info', message, detail }));
  }

  /** One dialog at a time: a page that has gone wrong can't bury the desktop. */
  async #ask<Answer>(show: (window: BrowserWindow) => Promise<Answer>): Promise<Answer> {
    const window = this.#window();
    if (window === undefined || this.#isAsking) {
      throw new JobletError('conflict', {
        layer: 'app',
        operation: 'ask',
        object: '',
        reason: window === undefined ? 'there is no window' : 'another question is open',
        mend: 'Answer that one first.',
      });
    }
    this.#isAsking = true;
    try {
      return await show(window);
    } finally {
      this.#isAsking = false;
    }
  }
}
