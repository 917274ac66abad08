/** The person's settings; the main process keeps them. */
import { type Settings, settingsSchema } from '../../src-main/ipc/contract.ts';
import { request, stream } from '../ipc/client.ts';

class SettingsView {
  value = $state.raw<Settings>(settingsSchema.parse({}));
  readonly #systemIsDark = matchMedia('(prefers-color-scheme: dark)');
  readonly #systemReducesMotion = matchMedia('(prefers-reduced-motion: reduce)');

  async follow(signal: AbortSignal): Promise<void> {
    for (const query of [this.#systemIsDark, this.#systemReducesMotion]) {
      query.addEventListener('change', () => this.#apply(), { signal });
    }
    this.#apply();
    for await (const settings of stream('settings', {}, signal)) {
      this.value = settings;
      this.#apply();
    }
  }

  /** @throws RequestFailed when they can't be kept. */
  async change(changes: Partial<Settings>): Promise<void> {
    this.value = { ...this.value, ...changes };
    this.#apply();
    await request('settings.change', this.value);
  }

  get isDark(): boolean {
    const { theme } = this.value;
    return theme === 'system' ? this.#systemIsDark.matches : theme !== 'light';
  }

  #apply(): void {
    const { theme, scale, motion } = this.value;
    const root = document.documentElement;
    root.dataset.theme = theme === 'contrast' ? 'contrast' : this.isDark ? 'dark' : 'light';
    root.dataset.motion = motion === 'reduced' || this.#systemReducesMotion.matches ? 'reduced' : 'full';
    root.style.setProperty('--scale', String(scale / 100));
  }
}

export const settings = new SettingsView();
