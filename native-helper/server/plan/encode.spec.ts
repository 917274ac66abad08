import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePlan } from '../../../test/fixtures/plan-decoder.ts';
import { SMALL } from '../../executor/fuzz/seeds.ts';
import { encodePlan } from './encode.ts';
import type { Mount, MountAttribute, Plan, RootMount } from './plan.ts';

const BUILD_ID = Buffer.alloc(32, 0xb1);

const u32 = fc.nat({ max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const finite64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 2n });
const slot = fc.integer({ min: 10, max: 2 ** 31 - 1 });
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.replaceAll('\0', '␀'));
const pathPart = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_. é]{0,20}$/);
const target = fc.array(pathPart, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
const attributes = fc.subarray<MountAttribute>([
  'readOnly',
  'noSuid',
  'noDevices',
  'noExec',
  'recursive',
  'file',
]);
const content = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));
const tmpfs = { kind: fc.constant('tmpfs' as const), attributes, size: u64, mode: u32, uid: u32, gid: u32 };
const mode = u32;
const cells = fc.nat({ max: 65_535 });
const mount: fc.Arbitrary<Mount> = fc.oneof(
  fc.record({ kind: fc.constant('bind' as const), source: slot, target, attributes }),
  fc.record({ ...tmpfs, target }),
  fc.record({
    kind: fc.constantFrom('proc' as const, 'devpts' as const, 'mqueue' as const),
    target,
    attributes,
  }),
  fc.record({ kind: fc.constant('directory' as const), target, mode }),
  fc.record({ kind: fc.constant('file' as const), target, mode, content }),
  fc.record({ kind: fc.constant('symlink' as const), target, leadsTo: text }),
  fc.record({ kind: fc.constantFrom('mask' as const, 'readOnlyPath' as const), target }),
);
const root: fc.Arbitrary<RootMount> = fc.record({ ...tmpfs, target: fc.constant('/' as const) });
const network = fc.oneof(
  fc.record({ kind: fc.constantFrom('host' as const, 'new' as const) }),
  fc.record({ kind: fc.constant('join' as const), slot }),
);
const idRange = fc.record({
  kind: fc.constantFrom('uid' as const, 'gid' as const),
  inside: u32,
  outside: u32,
  count: fc.integer({ min: 1, max: 0xffff_ffff }),
});
const infinityOr = fc.option(finite64, { nil: undefined });

const anyPlan: fc.Arbitrary<Plan> = fc
  .record(
    {
      uuid: fc.uuid(),
      namespaces: fc.record({
        pid: fc.boolean(),
        mount: fc.boolean(),
        ipc: fc.boolean(),
        uts: fc.constant(true),
        cgroup: fc.boolean(),
        user: fc.constant(true),
        network,
      }),
      hostname: fc.stringMatching(/^[a-z]{1,64}$/),
      credentials: fc.record({
        uid: u32,
        gid: u32,
        groups: fc.array(u32, { maxLength: 64 }),
        capabilities: u64,
      }),
      idRanges: fc.array(idRange, { maxLength: 32 }),
      mounts: fc
        .tuple(root, fc.array(mount, { maxLength: 30 }))
        .map(([first, rest]): Plan['mounts'] => [first, ...rest]),
      devices: fc.array(
        fc.record({
          type: fc.constantFrom('character' as const, 'block' as const),
          major: u32,
          minor: u32,
          mode,
          access: fc.subarray(['read', 'write', 'mknod'] as const),
          path: target,
        }),
        { maxLength: 10 },
      ),
      limits: fc.array(
        fc.record({ file: fc.stringMatching(/^[a-z0-9_.]{1,30}$/), written: text, readBack: text }),
        { maxLength: 10 },
      ),
      resourceLimits: fc.array(fc.record({ resource: u32, soft: infinityOr, hard: infinityOr }), {
        maxLength: 16,
      }),
      environment: fc.array(
        text.map((value) => `NAME=${value}`),
        { maxLength: 20 },
      ),
      argv: fc
        .tuple(text, fc.array(text, { maxLength: 20 }))
        .map(([first, rest]): Plan['argv'] => [first, ...rest]),
      workDirectory: target,
      seccomp: fc.record({
        log: fc.boolean(),
        listen: fc.boolean(),
        level: fc.nat({ max: 3 }),
        instructions: fc
          .integer({ min: 1, max: 20 })
          .chain((count) => fc.uint8Array({ minLength: count * 8, maxLength: count * 8 }))
          .map((bytes) => Buffer.from(bytes)),
      }),
      input: fc.oneof(
        fc.constant({ kind: 'pipe' as const }),
        fc.record({ kind: fc.constant('terminal' as const), columns: cells, rows: cells }),
      ),
      log: fc.record(
        {
          overflow: fc.constantFrom('continue' as const, 'block' as const),
          memoryBytes: fc.bigInt({ min: 2n ** 20n, max: 2n ** 63n - 1n }),
          spill: fc.record({
            slot: fc.integer({ min: 10, max: 1033 }),
            bytes: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
          }),
        },
        { requiredKeys: ['overflow', 'memoryBytes'] },
      ),
      timeoutMs: u64,
      stopGraceMs: u64,
      nice: fc.integer({ min: 0, max: 19 }),
      oomScoreAdjustment: fc.integer({ min: -1000, max: 1000 }),
    },
    { requiredKeys: [] },
  )
  .map((partial) => ({ ...SMALLEST, ...partial }));

const SMALLEST: Plan = {
  ...SMALL,
  namespaces: { ...SMALL.namespaces, ipc: true, uts: true, cgroup: true, user: true },
};

describe('encodePlan', () => {
  it('writes what a reader of the document reads back', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const { plan: read, buildId } = decodePlan(encodePlan(plan, BUILD_ID));
        expect(read).toEqual(plan);
        expect(buildId).toEqual(BUILD_ID);
      }),
    );
  });

  it('lays out the smallest plan byte for byte as the document says', () => {
    const bytes = encodePlan(SMALLEST, BUILD_ID);
    expect(bytes.subarray(0, 24).toString('hex')).toBe(
      `${Buffer.from('JOBLPLAN').toString('hex')}03000000${bytes.subarray(12, 16).toString('hex')}0900000000000000`,
    );
    expect(bytes.readUInt32LE(12)).toBe(bytes.length);
    expect(bytes.subarray(64, 72).toString('hex')).toBe('0100000024000000');
    expect(bytes.subarray(72, 108).toString()).toBe(SMALLEST.uuid);
    expect(bytes.subarray(108, 112).toString('hex')).toBe('00000000');
    expect(bytes.subarray(112, 136).toString('hex')).toBe('020000000c0000003f00000000000000ffffffff00000000');
  });

  it('takes a plan that outgrows its first allocation', () => {
    const plan: Plan = { ...SMALLEST, argv: ['true', ...Array<string>(10).fill('é'.repeat(60_000))] };
    expect(decodePlan(encodePlan(plan, BUILD_ID)).plan).toEqual(plan);
  });

  it.each([
    ['a plan of more than 4 MiB', { argv: ['true', ...Array<string>(40).fill('x'.repeat(131_071))] }],
    ['a string of more than 131,071 bytes', { argv: ['true', 'x'.repeat(131_072)] }],
    ['a NUL inside a string', { argv: ['tr\0ue'] }],
    ['more than 65,536 records', { environment: Array<string>(65_536).fill('A=') }],
  ] satisfies [string, Partial<Plan>][])('refuses %s', (_, change) => {
    expect(() => encodePlan({ ...SMALLEST, ...change } as Plan, BUILD_ID)).toThrowError(/^plan: encode /);
  });

  it('refuses a build id of the wrong length', () => {
    expect(() => encodePlan(SMALLEST, Buffer.alloc(31))).toThrowError(/build id: has 31 bytes/);
  });
});
