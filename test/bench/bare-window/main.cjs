/** The least that a window can be: what the start of the app is compared with. */
const { app, BrowserWindow } = require('electron');

app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 1280, height: 800, show: false });
  window.once('ready-to-show', () => window.show());
  window.loadURL(
    "data:text/html,<!doctype html><title>bare</title><script>performance.mark('usable')</script><h1>Bare</h1>",
  );
});
app.on('window-all-closed', () => app.quit());
