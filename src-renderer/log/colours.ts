/** The colours that a log asks for, on the ground of the page, changed where nobody could read them. */
import type { Colour, Look } from './look.ts';

type Rgb = readonly [red: number, green: number, blue: number];

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
/** Of the 6 × 6 × 6 colours after the first 16. */
const LEVELS = [0, 95, 135, 175, 215, 255] as const;

export interface Palette {
  readonly ink: Rgb;
  readonly ground: Rgb;
  /** The first 16 of 256. */
  readonly named: readonly Rgb[];
  /** WCAG 2.2, 1.4.3. */
  readonly leastContrast: number;
}

/** @param token a colour of the page, `#rrggbb` */
export function paletteOf(token: (name: string) => string, leastContrast: number): Palette {
  const colour = (name: string) => rgbOfHex(token(`terminal-${name}`));
  return {
    ink: colour('ink'),
    ground: colour('ground'),
    named: [...NAMES, ...NAMES.map((name) => `bright-${name}`)].map(colour),
    leastContrast,
  };
}

/** @returns what stands in `style`; empty for text as it is everywhere */
export function styleOf(look: Look, palette: Palette): string {
  const ink = look.ink === undefined ? palette.ink : rgbOf(look.ink, palette);
  const ground = look.ground === undefined ? palette.ground : rgbOf(look.ground, palette);
  const [front, back] = look.isInverse ? [ground, ink] : [ink, ground];
  const lines = [look.isUnderlined && 'underline', look.isStruck && 'line-through'].filter(Boolean);
  const hasColour = look.ink !== undefined || look.ground !== undefined || look.isInverse;
  const parts = [
    hasColour && `color:${css(readable(front, back, palette.leastContrast))}`,
    (look.ground !== undefined || look.isInverse) && `background:${css(back)}`,
    look.weight === 'bold' && 'font-weight:700',
    look.weight === 'dim' && 'opacity:0.75',
    look.isItalic && 'font-style:italic',
    lines.length > 0 && `text-decoration:${lines.join(' ')}`,
  ];
  return parts.filter(Boolean).join(';');
}

/** Goes towards black or white, whichever stands out more, no further than it must. */
function readable(ink: Rgb, ground: Rgb, least: number): Rgb {
  const target: Rgb =
    contrast([0, 0, 0], ground) > contrast([255, 255, 255], ground) ? [0, 0, 0] : [255, 255, 255];
  for (let share = 0; share < 1; share += 0.1) {
    const mixed = ink.map((part, at) => part + ((target[at] ?? 0) - part) * share) as unknown as Rgb;
    if (contrast(mixed, ground) >= least) {
      return mixed;
    }
  }
  return target;
}

/** WCAG 2.2, "contrast ratio". */
export function contrast(one: Rgb, other: Rgb): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: Rgb): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function rgbOf(colour: Colour, { named, ink }: Palette): Rgb {
  if (colour.startsWith('#')) {
    return rgbOfHex(colour);
  }
  const number = Number(colour);
  if (number < 16) {
    return named[number] ?? ink;
  }
  if (number < 232) {
    const level = (divisor: number) => LEVELS[Math.floor((number - 16) / divisor) % 6] ?? 0;
    return [level(36), level(6), level(1)];
  }
  const grey = 8 + 10 * Math.min(23, number - 232);
  return [grey, grey, grey];
}

function rgbOfHex(hex: string): Rgb {
  const part = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16) || 0;
  return [part(1), part(3), part(5)];
}

function css(colour: Rgb): string {
  return `rgb(${colour.map(Math.round).join(' ')})`;
}
