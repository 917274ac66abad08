/**
 * Everything that can be done, each with a name and a key: what the palette searches, the sheet of keys lists and the
 * keyboard does. A component offers its own while it is shown.
 */
import { settings } from './settings.svelte.ts';

export interface Action {
  /** Names it in the settings, such as `jobs.stop`. */
  readonly id: string;
  readonly label: string;
  /** Such as `Ctrl+K`, `?` or `Delete`; empty: none. The settings may say another. */
  readonly key: string;
  /** Whether it can be done now; absent: always. */
  readonly isPossible?: () => boolean;
  readonly run: () => void;
}

/** What they do in a text field, everybody knows. */
const KEYS_OF_TEXT = new Set(['Ctrl+A', 'Ctrl+C', 'Ctrl+V', 'Ctrl+X', 'Ctrl+Z']);

class Actions {
  #groups = $state.raw<readonly { readonly title: string; readonly actions: readonly Action[] }[]>([]);

  get groups() {
    return this.#groups;
  }

  get possible(): readonly Action[] {
    return this.#groups.flatMap(({ actions }) => actions).filter(({ isPossible }) => isPossible?.() ?? true);
  }

  /** @returns takes them back; what a component's `onMount` returns. */
  offer(title: string, actions: readonly Action[]): () => void {
    const group = { title, actions };
    this.#groups = [...this.#groups, group];
    return () => {
      this.#groups = this.#groups.filter((each) => each !== group);
    };
  }

  keyOf({ id, key }: Action): string {
    return settings.value.keys[id] ?? key;
  }

  /** The key of an action that is offered now, for a hint beside a button. */
  hintOf(id: string): string | undefined {
    const action = this.possible.find((each) => each.id === id);
    const key = action && this.keyOf(action);
    return key === '' ? undefined : key;
  }

  /**
   * Does what the key stands for. What was offered last, the page's own, comes before what is everywhere. While a dialog or
   * a menu is open, all keys are its own: nobody sees what else they would do behind it.
   */
  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || isBehindSomething()) {
      return;
    }
    const key = keyOfEvent(event);
    const isTyping = !event.ctrlKey && !event.altKey && !/^(Escape|F\d+)$/.test(event.key);
    if (isTextField(event.target) && (isTyping || KEYS_OF_TEXT.has(key))) {
      return;
    }
    const action = this.possible.findLast((each) => this.keyOf(each) === key);
    if (action !== undefined) {
      event.preventDefault();
      action.run();
    }
  }
}

export const actions = new Actions();

/** `Ctrl+Shift+N`, in one order of the modifiers. A sign that needs Shift to be typed, such as `?`, is named by itself. */
export function keyOfEvent({ key, ctrlKey, altKey, metaKey, shiftKey }: KeyboardEvent): string {
  const name = key.length === 1 ? key.toUpperCase() : key === ' ' ? 'Space' : key;
  const isSign = key.length === 1 && key.toUpperCase() === key.toLowerCase();
  const modifiers = [ctrlKey && 'Ctrl', altKey && 'Alt', metaKey && 'Meta', shiftKey && !isSign && 'Shift'];
  return [...modifiers.filter((each) => each !== false), name].join('+');
}

function isBehindSomething(): boolean {
  return document.querySelector('[role=dialog], [role=menu]') !== null;
}

function isTextField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type)) ||
    (target instanceof HTMLElement && target.isContentEditable)
  );
}
