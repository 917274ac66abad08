/** The one window: our own page in a sandboxed renderer, from which nothing leads out. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  app,
  BrowserWindow,
  nativeTheme,
  net,
  protocol,
  type Session,
  session,
  type WebFrameMain,
} from 'electron';

const SCHEME = 'joblet';
const ORIGIN = `${SCHEME}://app`;

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

/** Serves the page's files and nothing else; refuses every permission. After `ready`. */
export function prepareSession(directory: string): void {
  const { defaultSession } = session;
  defaultSession.protocol.handle(SCHEME, async (request) => {
    const { pathname, host } = new URL(request.url);
    const path = join(directory, decodeURIComponent(pathname));
    if (host !== 'app' || !path.startsWith(`${directory}/`)) {
      return new Response(null, { status: 404 });
    }
    const response = await net.fetch(pathToFileURL(path).href);
    const headers = new Headers(response.headers);
    headers.set('Content-Security-Policy', POLICY);
    headers.set('X-Content-Type-Options', 'nosniff');
    return new Response(response.body, { status: response.status, headers });
  });
  refusePermissions(defaultSession);
  refuseNetwork(defaultSession);
}

function refusePermissions(target: Session): void {
  target.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  target.setPermissionCheckHandler(() => false);
  target.setDevicePermissionHandler(() => false);
  target.on('will-download', (event) => event.preventDefault());
}

/** The page has no business outside of itself, whatever made it ask. */
function refuseNetwork(target: Session): void {
  target.webRequest.onBeforeRequest(({ url }, answer) =>
    answer({
      cancel: !url.startsWith(`${ORIGIN}/`) && !url.startsWith('file:') && !url.startsWith('devtools:'),
    }),
  );
}

/** For every page that is ever made: no navigation, no window, no embedded page. */
export function lockContents(report: (message: string, details: object) => void): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-navigate', (event) => {
      event.preventDefault();
      report('refused a navigation', { url: event.url });
    });
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      report('refused a new window', { url });
      return { action: 'deny' };
    });
  });
}

/** @param directory where the bundles of main, preload and page lie */
export function createWindow(directory: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: 'Joblet',
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181d' : '#ffffff',
    webPreferences: {
      preload: join(directory, 'preload.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  window.removeMenu();
  window.once('ready-to-show', () => window.show());
  void window.loadURL(`${ORIGIN}/index.html`);
  return window;
}

/** Whether a frame is the main frame of this window and shows our page. */
export function isOwnPage(window: BrowserWindow | undefined, frame: WebFrameMain | null): boolean {
  return (
    window !== undefined &&
    !window.isDestroyed() &&
    frame !== null &&
    frame === window.webContents.mainFrame &&
    frame.url.startsWith(`${ORIGIN}/`)
  );
}
