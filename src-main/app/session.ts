/** What a page may have at all: its own files, and nothing of the network, the machine or the desktop. */
import { app, protocol, type Session, session } from 'electron';
import type { Report } from './log.ts';
import { PageFiles } from './page-files.ts';

const SCHEME = 'joblet';
const HOST = 'app';
export const ORIGIN = `${SCHEME}://${HOST}`;

/** A proxy that is not there: only root could listen on that port. */
const NOWHERE = 'http://127.0.0.1:1';

/** Inline styles are for xterm, which makes style elements; everything else is our own file or nothing. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Before `ready`. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }]);
}

/**
 * After `ready`.
 *
 * @param directory where the built page lies
 */
export async function prepareSession(directory: string, report: Report): Promise<void> {
  const { defaultSession } = session;
  const files = new PageFiles(directory);
  defaultSession.protocol.handle(SCHEME, async ({ method, url }) => {
    const { host, pathname } = new URL(url);
    const file = host === HOST && method === 'GET' ? await files.read(pathname) : undefined;
    if (file === undefined) {
      report('refused a file that is not of the page', { url });
      return new Response(null, { status: 404 });
    }
    return new Response(file.content, {
      headers: {
        'Content-Type': file.type,
        'Content-Security-Policy': POLICY,
        'X-Content-Type-Options': 'nosniff',
      },
    });
  });
  refusePermissions(defaultSession, report);
  await refuseNetwork(defaultSession, report);
}

function refusePermissions(target: Session, report: Report): void {
  target.setPermissionRequestHandler((_contents, permission, answer) => {
    report('refused a permission', { permission });
    answer(false);
  });
  target.setPermissionCheckHandler(() => false);
  target.setDevicePermissionHandler(() => false);
  target.on('will-download', (event, item) => {
    event.preventDefault();
    report('refused a download', { url: item.getURL() });
  });
}

/**
 * The page has no business outside of itself, whatever made it ask. WebRTC passes neither the policy of the page nor
 * `onBeforeRequest`: it may go by a proxy only (see lockContents), and where that should be nobody listens.
 */
async function refuseNetwork(target: Session, report: Report): Promise<void> {
  target.webRequest.onBeforeRequest(({ url }, answer) => {
    const isOwn = url.startsWith(`${ORIGIN}/`) || url.startsWith('devtools:');
    if (!isOwn) {
      report('refused a request to elsewhere', { url });
    }
    answer({ cancel: !isOwn });
  });
  await target.setProxy({ mode: 'fixed_servers', proxyRules: NOWHERE, proxyBypassRules: '<-loopback>' });
}

/** For every page that is ever made: no navigation, no window, no embedded page, no peer that is spoken to directly. */
export function lockContents(report: Report): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp');
    contents.on('will-frame-navigate', (event) => {
      event.preventDefault();
      report('refused a navigation', { url: event.url });
    });
    contents.on('will-attach-webview', (event) => {
      event.preventDefault();
      report('refused an embedded page', {});
    });
    contents.setWindowOpenHandler(({ url }) => {
      report('refused a new window', { url });
      return { action: 'deny' };
    });
  });
}
