import { run } from './run.ts';

/** js + d.ts from the contract, by buf.gen.yaml; the folder is emptied first. */
export async function generateApi(): Promise<void> {
  await run('buf', ['generate']);
}
