/** Pictures of what a window shows, in each look and size; and what axe says of each look. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults, RunOptions } from 'axe-core';
import { expect } from 'vitest';
import type { Settings } from '../../src-main/ipc/contract.ts';
import type { Desktop } from './desktop.ts';

const FOLDER = join(import.meta.dirname, '../../dist/screenshots');
const SIZES = [
  [1280, 800],
  [1920, 1080],
] as const;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2 A and AA, and what axe's makers call good practice. */
const RULES: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
};

export type Look = Partial<Settings>;
export const LIGHT_AND_DARK: Readonly<Record<string, Look>> = {
  light: { theme: 'light' },
  dark: { theme: 'dark' },
};

declare global {
  interface Window {
    axe: { run(context: Document, options: RunOptions): Promise<AxeResults> };
  }
}

/**
 * Takes `name-look-size.png` of what is shown now, one more of all of a page that must be scrolled, and expects no
 * violation in any look.
 */
export async function photograph(
  desktop: Desktop,
  name: string,
  looks: Readonly<Record<string, Look>> = LIGHT_AND_DARK,
  sizes: readonly (readonly [width: number, height: number])[] = SIZES,
): Promise<void> {
  await desktop.page.mouse.move(0, 0);
  for (const [look, settings] of Object.entries(looks)) {
    await desktop.set({ motion: 'reduced', ...settings });
    for (const [width, height] of sizes) {
      await desktop.resize(width, height);
      await take(desktop, `${name}-${look}-${width}x${height}`);
    }
    const hidden = await hiddenHeight(desktop);
    if (hidden > 0) {
      const [width, height] = SIZES[1];
      await desktop.resize(width, height + hidden);
      await take(desktop, `${name}-${look}-whole`);
    }
    expect(await violations(desktop), `${name}, ${look}`).toEqual([]);
  }
}

async function take(desktop: Desktop, name: string): Promise<void> {
  await settle(desktop);
  const path = join(FOLDER, `${name}.png`);
  await desktop.page.screenshot({ path, animations: 'disabled', caret: 'hide' });
}

/** How much taller the window must be for nothing to be scrolled, in pixels. */
function hiddenHeight({ page }: Desktop): Promise<number> {
  return page.evaluate(() =>
    Math.max(
      ...[...document.querySelectorAll('*')]
        .filter((element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowY))
        .map(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight),
      0,
    ),
  );
}

/** Two frames after the fonts are there: what was changed has been drawn. */
async function settle({ page }: Desktop): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  });
}

/** A line for each rule that is broken: the rule, and where. */
async function violations({ page }: Desktop): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async (rules) => {
    const { violations } = await window.axe.run(document, rules);
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(
        ({ target, any }) =>
          `${id} (${help}): ${target.join(' ')} ${any.map(({ message }) => message).join('; ')}`,
      ),
    );
  }, RULES);
}
