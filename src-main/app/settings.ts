/** What the user has chosen, kept in `settings.json`. */
import { type Settings, settingsSchema } from '../ipc/contract.ts';
import { type Damage, DataFile } from './data-file.ts';
import { Observable } from './observable.ts';

export class SettingsStore {
  readonly current: Observable<Settings>;
  readonly #file: DataFile<Settings>;

  private constructor(file: DataFile<Settings>, settings: Settings) {
    this.#file = file;
    this.current = new Observable(settings);
  }

  /** A file that is damaged is set aside, and everything is as at first. */
  static async open(path: string, onDamage: (damage: Damage) => void): Promise<SettingsStore> {
    const file = new DataFile(path, settingsSchema);
    return new SettingsStore(file, (await file.read(onDamage)) ?? settingsSchema.parse({}));
  }

  /** Heard of by all windows at once; kept once it is on the disk. @throws JobletError when it can't be kept. */
  async change(settings: Settings): Promise<void> {
    this.current.set(settings);
    await this.#file.write(settings);
  }
}
