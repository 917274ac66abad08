/**
 * What a test, which is an ordinary user, may ask of root: a Unix socket that only this user can open, and a fixed list of
 * orders, since the app under test runs as the same user.
 */

import { once } from 'node:events';
import { chmodSync, chownSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { text } from 'node:stream/consumers';

export const ORDERS = [
  'kill-helper',
  'stop-helper',
  'start-helper',
  'start-other-build',
  'freeze-helper',
  'thaw-helper',
  'kill-monitors',
] as const;
export type Order = (typeof ORDERS)[number];

/** Root's side. @param uid who may ask */
export async function serveOrders(
  path: string,
  uid: number,
  carryOut: Readonly<Record<Order, () => Promise<void>>>,
): Promise<Server> {
  const server = createServer(async ({ url }, response) => {
    const order = ORDERS.find((each) => url === `/${each}`);
    try {
      if (order === undefined) {
        throw new Error(`${url}: no such order`);
      }
      await carryOut[order]();
      response.writeHead(204).end();
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : String(error));
    }
  });
  server.listen(path);
  await once(server, 'listening');
  chmodSync(path, 0o600);
  chownSync(path, uid, uid);
  return server;
}

/**
 * The test's side: resolves when root has done it.
 *
 * @throws Error with root's words
 */
export async function order(path: string, name: Order): Promise<void> {
  const request = httpRequest({ socketPath: path, path: `/${name}`, method: 'POST' });
  request.end();
  const [response] = await once(request, 'response');
  const words = await text(response);
  if (response.statusCode !== 204) {
    throw new Error(`${name}: ${words}`);
  }
}
