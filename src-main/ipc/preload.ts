/**
 * The only code of ours in the window that can speak to the main process. It knows no channel: what may be asked, and by
 * whom, is decided in the main process, for each message.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { type Bridge, STREAM_REQUEST, WIRE } from './wire.ts';

const bridge: Bridge = {
  request: (channel, id, payload) => ipcRenderer.invoke(WIRE.request, { channel, id, payload }),
  cancel: (id) => ipcRenderer.send(WIRE.cancel, { id }),
  pathOf: (file) => webUtils.getPathForFile(file),
};
contextBridge.exposeInMainWorld('joblet', bridge);

// A port can't pass the context bridge; it can be posted.
window.addEventListener('message', ({ source, data, ports }) => {
  if (source === window && data?.type === STREAM_REQUEST && ports.length === 1) {
    ipcRenderer.postMessage(WIRE.stream, { channel: data.channel, payload: data.payload }, [...ports]);
  }
});
