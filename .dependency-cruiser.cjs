/** The import rules of docs/architecture.md. Each comment says what to use instead. */
module.exports = {
  forbidden: [
    {
      name: 'client-side-knows-only-the-api',
      comment:
        'src-main runs as the user and speaks to the helper over its socket. Put what both sides share into native-helper/api, and ask the helper for the rest by RPC.',
      severity: 'error',
      from: { path: '^src-main/' },
      to: { path: '^native-helper/(?!api/)' },
    },
    {
      name: 'helper-knows-no-client',
      comment: 'The helper is installed without src-main. Move what both need to native-helper/api.',
      severity: 'error',
      from: { path: '^native-helper/' },
      to: { path: '^src-main/' },
    },
    {
      name: 'api-stands-alone',
      comment:
        'native-helper/api is imported by both sides, so it may hold nothing of either: pass it in as an argument.',
      severity: 'error',
      from: { path: '^native-helper/api/' },
      to: { path: '^(native-helper/(?!api/)|src-main/)' },
    },
    {
      name: 'kernel-knows-no-server',
      comment: 'native-helper/kernel wraps system calls and nothing else. Let the server call it and decide.',
      severity: 'error',
      from: { path: '^native-helper/kernel/' },
      to: { path: '^native-helper/server/' },
    },
    {
      name: 'only-kernel-calls-c',
      comment:
        'koffi can do anything to the process. Add a typed function to native-helper/kernel and call that.',
      severity: 'error',
      from: { pathNot: '^native-helper/kernel/' },
      to: { path: '(^|/)node_modules/(koffi|@koromix)/' },
    },
    {
      name: 'jobs-know-no-workflows',
      comment:
        'A job just runs (ADR-002). Let the workflow service call the job service and keep the relation itself.',
      severity: 'error',
      from: { path: '^native-helper/server/jobs/' },
      to: { path: '^native-helper/server/workflows/' },
    },
    {
      name: 'page-knows-only-the-contract',
      comment:
        'src-renderer runs in a sandbox without Node. Add a channel to src-main/ipc/contract.ts and ask the main process.',
      severity: 'error',
      from: { path: '^src-renderer/', pathNot: '^src-renderer/vite[.]config[.]ts$' },
      to: { path: '^(src-main/(?!ipc/contract[.]ts$)|native-helper/)' },
    },
    {
      name: 'page-uses-no-node',
      comment: 'There is no Node in the page. Ask the main process.',
      severity: 'error',
      from: { path: '^src-renderer/', pathNot: '(^src-renderer/vite[.]config[.]ts$|[.]spec[.]ts$)' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'contract-runs-everywhere',
      comment: 'The page and the preload script import these: they may use nothing of Node or Electron.',
      severity: 'error',
      from: {
        path: '^(src-main/ipc/(contract|shell-words|wire)[.]ts|native-helper/api/(job-spec|labels|schema|start-time|volume)[.]ts)$',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'one-zod',
      comment:
        'The small build of zod, with its messages, is native-helper/api/schema.ts. Import that; the page and src-main/setup, which may not, take zod/mini.',
      severity: 'error',
      from: { pathNot: '^(native-helper/api/schema[.]ts|src-renderer/|src-main/setup/)' },
      to: { path: '(^|/)node_modules/zod/' },
    },
    {
      name: 'client-knows-no-command-line',
      comment:
        'src-main/client and src-main/elevation serve the app as well. Hand in what they need; print in src-main/cli.',
      severity: 'error',
      from: { path: '^src-main/(client|elevation)/' },
      to: { path: '^src-main/(cli|app|ipc)/' },
    },
    {
      name: 'setup-stands-alone',
      comment:
        'What sets the checkout up can import nothing that has to be built first. Run it as a program instead.',
      severity: 'error',
      from: { path: '^src-main/setup/', pathNot: '[.]spec[.]ts$' },
      to: { path: '^(native-helper|src-main/(cli|client|elevation))/' },
    },
    {
      name: 'bootstrap-has-no-dependencies',
      comment: 'It runs before npm has installed anything: use what Node 20 brings.',
      severity: 'error',
      from: { path: '^src-main/setup/.*[.]mjs$' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional'] },
    },
    {
      name: 'nothing-imports-tests',
      comment: 'Tests are not part of what runs. Move what is needed out of test/.',
      severity: 'error',
      from: { path: '^(src-main|native-helper)/', pathNot: '[.]spec[.]ts$' },
      to: { path: '^test/|[.]spec[.]ts$' },
    },
    {
      name: 'no-development-dependencies-at-run-time',
      comment: 'A release does not carry it. List it under "dependencies".',
      severity: 'error',
      from: { path: '^(native-helper|src-main/(cli|client|elevation))/', pathNot: '[.]spec[.]ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm'] },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one, or a third is missing: move what both need into it.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] } },
    },
    {
      name: 'nothing-unresolvable',
      comment: 'The imported file does not exist, or its package is not in package.json.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^native-helper/api/gen/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|dist-weak)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
