/** What the desktop does for the app: its dialogs, its clipboard, its browser. */
import { type BrowserWindow, clipboard, dialog, shell } from 'electron';
import { JobletError } from '../../native-helper/api/errors.ts';
import { checkedAddress } from './address.ts';
import type { Damage } from './data-file.ts';
import { text } from './text.ts';

export class Desktop {
  readonly #window: () => BrowserWindow | undefined;
  #isAsking = false;

  /** @param window the one that dialogs belong to */
  constructor(window: () => BrowserWindow | undefined) {
    this.#window = window;
  }

  write(content: string): void {
    clipboard.writeText(content);
  }

  /** @returns null when nobody wanted it after all. */
  async askWhereToSave(fileName: string): Promise<string | null> {
    const { filePath, canceled } = await this.#ask((window) =>
      dialog.showSaveDialog(window, { title: text.dialogs.saveLog, defaultPath: fileName }),
    );
    return canceled || filePath === '' ? null : filePath;
  }

  /** @returns null when nobody wanted it after all. */
  async askForFolder(): Promise<string | null> {
    const { filePaths, canceled } = await this.#ask((window) =>
      dialog.showOpenDialog(window, {
        title: text.dialogs.download,
        properties: ['openDirectory', 'createDirectory'],
      }),
    );
    return (!canceled && filePaths[0]) || null;
  }

  /** @returns none when nobody wanted any after all. */
  async askForPaths(kind: 'files' | 'folder'): Promise<string[]> {
    const { filePaths, canceled } = await this.#ask((window) =>
      dialog.showOpenDialog(window, {
        title: text.dialogs.choose,
        properties: kind === 'files' ? ['openFile', 'multiSelections'] : ['openDirectory'],
      }),
    );
    return canceled ? [] : filePaths;
  }

  /** Only a person's yes opens it, and only after the whole address was shown. */
  async openAddress(address: string): Promise<void> {
    const { href, host } = checkedAddress(address);
    const { response } = await this.#ask((window) =>
      dialog.showMessageBox(window, {
        type: 'question',
        message: text.dialogs.openAddress(host),
        detail: href,
        buttons: [text.dialogs.cancel, text.dialogs.open],
        defaultId: 0,
        cancelId: 0,
        noLink: true,
      }),
    );
    if (response === 1) {
      await shell.openExternal(href);
    }
  }

  /** Of a job whose files could not be brought. */
  async tellOfUpload(job: string, reason: string): Promise<void> {
    const message = text.dialogs.notUploaded(job);
    const detail = text.dialogs.uploadAgain(reason);
    await this.#ask((window) => dialog.showMessageBox(window, { type: 'error', message, detail }));
  }

  /** One after the other. */
  async tellOfDamage(damaged: readonly Damage[]): Promise<void> {
    for (const { path, reason, keptAs } of damaged) {
      const message = text.dialogs.damaged(path);
      const detail = text.dialogs.keptAs(reason, keptAs);
      await this.#ask((window) => dialog.showMessageBox(window, { type: 'info', message, detail }));
    }
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
