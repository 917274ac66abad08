import { defineConfig } from 'vitest/config';

/** Emulated, everything takes many times as long. */
const patience = process.env.JOBLET_VM === '1' ? 6 : 1;

/** One file after another, in one process: loading the same modules for each anew takes half of the time in the machine. */
const onTheKernel = {
  environment: 'node',
  testTimeout: 30_000 * patience,
  hookTimeout: 30_000 * patience,
  fileParallelism: false,
  isolate: false,
} as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src-main/**/*.spec.ts', 'src-renderer/**/*.spec.ts', 'native-helper/**/*.spec.ts'],
          environment: 'node',
          // Thousands of random cases, on a machine that runs another in QEMU meanwhile.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.spec.ts'],
          ...onTheKernel,
        },
      },
      {
        test: {
          name: 'escape',
          include: ['test/escape/**/*.spec.ts'],
          globalSetup: ['test/escape/global-setup.ts'],
          ...onTheKernel,
        },
      },
      {
        // Run by test/fault/main.ts, in namespaces of its own.
        test: {
          name: 'fault',
          include: ['test/fault/**/*.spec.ts'],
          exclude: ['test/fault/**/*.vm.spec.ts'],
          ...onTheKernel,
        },
      },
      {
        // Run by test/e2e/main.ts, as an ordinary user beside a helper that is root.
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts'],
          setupFiles: ['test/e2e/failures.ts'],
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        // Run inside the machine that test/vm boots: a cgroup v2 host.
        test: {
          name: 'vm',
          include: ['test/vm/**/*.vm.spec.ts', 'test/fault/**/*.vm.spec.ts'],
          ...onTheKernel,
        },
      },
    ],
  },
});
