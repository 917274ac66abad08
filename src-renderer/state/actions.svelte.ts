/**
 * What can be done now: a component offers the actions of a group while it is shown. The palette searches them, the sheet of
 * keys lists them, the keyboard does them.
 */
import {
  ACTION_GROUPS,
  type ActionGroup,
  type ActionId,
  type GroupName,
  type IdIn,
  keyOf,
} from './action-catalogue.ts';
import { settings } from './settings.svelte.ts';

/** How an action is done. */
export interface Handler {
  /** What it is called as things stand; absent: as in the catalogue. */
  readonly label?: () => string;
  /** Whether it can be done now; absent: always. */
  readonly isPossible?: () => boolean;
  readonly run: () => void;
}

export type Handlers<Name extends GroupName> = Readonly<Record<IdIn<Name>, Handler>>;

/** One that can be done now. */
export interface PossibleAction {
  readonly id: ActionId;
  readonly label: string;
  readonly run: () => void;
}

/** What they do in a text field, everybody knows. */
const KEYS_OF_TEXT = new Set(['Ctrl+A', 'Ctrl+C', 'Ctrl+V', 'Ctrl+X', 'Ctrl+Z']);

type Offered = Partial<Record<GroupName, Partial<Record<ActionId, Handler>>>>;

class Actions {
  #handlers = $state.raw<Offered>({});

  /** Groups that a component offers now. */
  get groups(): readonly ActionGroup[] {
    return ACTION_GROUPS.filter(({ name }) => this.#handlers[name] !== undefined);
  }

  get possible(): readonly PossibleAction[] {
    return ACTION_GROUPS.flatMap(({ name, actions }) =>
      actions.flatMap(({ id, label }) => {
        const handler = this.#handlers[name]?.[id];
        return handler !== undefined && (handler.isPossible?.() ?? true)
          ? [{ id, label: handler.label?.() ?? label, run: handler.run }]
          : [];
      }),
    );
  }

  /** @returns takes them back; what a component's `onMount` returns. */
  offer<Name extends GroupName>(name: Name, handlers: Handlers<Name>): () => void {
    this.#handlers = { ...this.#handlers, [name]: handlers };
    return () => {
      // A page that follows on one of its kind may have offered its own before.
      if (this.#handlers[name] === handlers) {
        this.#handlers = { ...this.#handlers, [name]: undefined };
      }
    };
  }

  keyOf(id: ActionId): string {
    return keyOf(id, settings.value.keys);
  }

  /** The key of an action that can be done now, for a hint beside a button. */
  hintOf(id: ActionId): string | undefined {
    return this.possible.some((each) => each.id === id) ? this.keyOf(id) || undefined : undefined;
  }

  /**
   * Does what the key stands for; the page's own comes before what is everywhere. While a dialog or a menu is open, all keys
   * are its own: nobody sees what else they would do behind it.
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
    const action = this.possible.findLast(({ id }) => this.keyOf(id) === key);
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
