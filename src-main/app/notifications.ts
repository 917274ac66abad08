/** The desktop's notifications. Where nothing shows them, nothing comes of it. */
import { Notification } from 'electron';

/** Of so many the click is still heard. */
const HELD = 32;

export interface Notice {
  readonly title: string;
  readonly body: string;
}

export class Notifications {
  /** One that is not held is collected, and its click with it. */
  readonly #held = new Set<Notification>();

  show({ title, body }: Notice, onClick: () => void): void {
    if (!Notification.isSupported()) {
      return;
    }
    const notification = new Notification({ title, body });
    const [oldest] = this.#held;
    if (oldest !== undefined && this.#held.size >= HELD) {
      this.#held.delete(oldest);
    }
    this.#held.add(notification);
    notification.on('click', () => {
      this.#held.delete(notification);
      onClick();
    });
    notification.show();
  }
}
