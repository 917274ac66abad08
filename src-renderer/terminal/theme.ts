/** From the tokens of the page to what xterm wants to be told. */
import type { ITheme } from '@xterm/xterm';

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
const BRIGHT = [
  'brightBlack',
  'brightRed',
  'brightGreen',
  'brightYellow',
  'brightBlue',
  'brightMagenta',
  'brightCyan',
  'brightWhite',
] as const;
/** Of 100 %, px. */
const FONT_SIZE = 12.5;

export function terminalColours() {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const theme: ITheme = {
    foreground: token('terminal-ink'),
    background: token('terminal-ground'),
    cursor: token('terminal-ground'),
    selectionBackground: token('terminal-selection'),
    selectionInactiveBackground: token('terminal-selection'),
  };
  for (const [index, colour] of COLOURS.entries()) {
    theme[colour] = token(`terminal-${colour}`);
    theme[BRIGHT[index] as (typeof BRIGHT)[number]] = token(`terminal-bright-${colour}`);
  }
  return {
    theme,
    fontFamily: token('font-code'),
    fontSize: FONT_SIZE * Number(token('scale')),
    minimumContrastRatio: document.documentElement.dataset.theme === 'contrast' ? 7 : 4.5,
  };
}

/** What is found by a search, in xterm's words. */
export function searchDecorations() {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    matchBackground: token('terminal-match'),
    matchOverviewRuler: token('terminal-match'),
    activeMatchBackground: token('terminal-match-now'),
    activeMatchColorOverviewRuler: token('terminal-match-now'),
  };
}
