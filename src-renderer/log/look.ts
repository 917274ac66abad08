/** How letters look: what SGR and OSC 8 have set, as a value. */

/** `3` and `201`: of the 256 colours; `#0a0b0c`: itself. */
export type Colour = string;

export interface Look {
  readonly ink?: Colour;
  readonly ground?: Colour;
  readonly weight?: 'bold' | 'dim';
  readonly isItalic?: true;
  readonly isUnderlined?: true;
  readonly isStruck?: true;
  readonly isInverse?: true;
  /** Where a click leads. */
  readonly address?: string;
}

export const PLAIN: Look = {};

type Change = (look: Look) => Look;
const without =
  (...names: (keyof Look)[]): Change =>
  (look) =>
    Object.fromEntries(Object.entries(look).filter(([name]) => !names.includes(name as keyof Look)));
const and =
  (more: Look): Change =>
  (look) => ({ ...look, ...more });

const CHANGES: Readonly<Record<string, Change>> = {
  '0': ({ address }) => (address === undefined ? PLAIN : { address }),
  '1': and({ weight: 'bold' }),
  '2': and({ weight: 'dim' }),
  '3': and({ isItalic: true }),
  '4': and({ isUnderlined: true }),
  '7': and({ isInverse: true }),
  '9': and({ isStruck: true }),
  '21': and({ isUnderlined: true }),
  '22': without('weight'),
  '23': without('isItalic'),
  '24': without('isUnderlined'),
  '27': without('isInverse'),
  '29': without('isStruck'),
  '39': without('ink'),
  '49': without('ground'),
  '4:0': without('isUnderlined'),
  ...Object.fromEntries(
    Array.from({ length: 8 }, (_, colour) => [
      [`${30 + colour}`, and({ ink: `${colour}` })],
      [`${40 + colour}`, and({ ground: `${colour}` })],
      [`${90 + colour}`, and({ ink: `${8 + colour}` })],
      [`${100 + colour}`, and({ ground: `${8 + colour}` })],
    ]).flat(),
  ),
};
const PLACES: Readonly<Record<string, 'ink' | 'ground'>> = { '38': 'ink', '48': 'ground' };

/** @param parameters of an SGR sequence that OutputFilter has let through, such as `1;31` */
export function withSgr(look: Look, parameters: string): Look {
  const codes = parameters.split(';');
  let changed = look;
  for (let at = 0; at < codes.length; ) {
    const code = codes[at] as string;
    const isColon = code.includes(':');
    const [kind = '', form, ...values] = isColon ? code.split(':') : codes.slice(at);
    const isColour = /^[345]8$/.test(kind);
    if (isColour) {
      const place = PLACES[kind];
      const colour = form === '5' ? (values[0] ?? '') : hex(isColon ? values.slice(-3) : values);
      changed = place === undefined ? changed : { ...changed, [place]: colour };
    } else {
      const change = CHANGES[/^4:[1-5]$/.test(code) ? '4' : code];
      changed = change?.(changed) ?? changed;
    }
    at += isColon || !isColour ? 1 : form === '5' ? 3 : 5;
  }
  return changed;
}

function hex(parts: readonly string[]): Colour {
  const digits = parts.slice(0, 3).map((part) => Math.min(255, Number(part)).toString(16).padStart(2, '0'));
  return `#${digits.join('')}`;
}
