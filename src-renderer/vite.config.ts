import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the page works under its own scheme.
  base: './',
  plugins: [svelte({ compilerOptions: { runes: true } })],
  build: {
    outDir: join(import.meta.dirname, '../dist/app/page'),
    emptyOutDir: true,
    // What Electron's Chromium knows.
    target: 'chrome140',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
