import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLAIN_SPEC } from '../../test/fixtures/job-spec.ts';
import { isSecretName, jobSpecSchema, MAX_ARGUMENT_BYTES, MAX_CPU_PERCENT } from './job-spec.ts';

const refused = (change: object): string => {
  const result = jobSpecSchema.safeParse({ ...PLAIN_SPEC, ...change });
  expect(result.success).toBe(false);
  return result.error?.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ') ?? '';
};

describe('jobSpecSchema', () => {
  it('takes the smallest job', () => {
    expect(jobSpecSchema.parse(PLAIN_SPEC)).toEqual(PLAIN_SPEC);
  });

  it.each([
    ['an empty command', { command: '' }, 'command'],
    ['a blank command', { command: ' \t' }, 'command'],
    ['NUL in the command', { command: 'a\0b' }, 'command'],
    ['NUL in an argument', { args: ['a\0b'] }, 'args.0'],
    ['half a surrogate pair', { args: ['\ud800'] }, 'args.0'],
    ['an argument that execve refuses', { args: ['x'.repeat(MAX_ARGUMENT_BYTES + 1)] }, 'args.0'],
    ['a line break in the name', { name: 'a\nb' }, 'name'],
    ['an escape sequence in the name', { name: '\u001b]0;x\u0007' }, 'name'],
    ['a name that turns its direction', { name: 'gnp\u202eexe.txt' }, 'name'],
    ['a C1 control in the name', { name: '\u009b31m' }, 'name'],
    ['a variable that begins with a digit', { environment: { '1A': '' } }, 'environment'],
    ['a variable with = in its name', { environment: { 'A=B': '' } }, 'environment'],
    ['a reserved variable', { environment: { JOB_ID: 'x' } }, 'environment.JOB_ID'],
    ['a reserved secret', { secretEnvironment: { JOBLET_MODE: 'x' } }, 'secretEnvironment.JOBLET_MODE'],
    ['a value over 32 KiB', { environment: { A: 'x'.repeat(32_769) } }, 'environment.A'],
    [
      'a variable set twice',
      { environment: { A: '1' }, secretEnvironment: { A: '2' } },
      'secretEnvironment.A',
    ],
    ['no CPU at all', { limits: { cpuPercent: 0 } }, 'limits.cpuPercent'],
    ['negative CPU', { limits: { cpuPercent: -50 } }, 'limits.cpuPercent'],
    ['CPU that is not a number', { limits: { cpuPercent: Number.NaN } }, 'limits.cpuPercent'],
    ['more CPU than there is', { limits: { cpuPercent: MAX_CPU_PERCENT + 1 } }, 'limits.cpuPercent'],
    ['2⁶⁴ bytes of memory', { limits: { memoryBytes: 2n ** 64n } }, 'limits.memoryBytes'],
    ['memory that init would not survive', { limits: { memoryBytes: 4096n } }, 'limits.memoryBytes'],
    ['no process at all', { limits: { pids: 0n } }, 'limits.pids'],
    ['a limit that nobody knows', { limits: { gpus: 1 } }, 'limits'],
    ['a field that nobody knows', { privileged: true }, 'privileged'],
    ['a negative timeout', { timeoutMs: -1n }, 'timeoutMs'],
    ['a timeout of 2⁶⁴', { timeoutMs: 2n ** 64n }, 'timeoutMs'],
    ['a relative work directory', { workDir: 'work' }, 'workDir'],
    ['a work directory that leaves', { workDir: '/work/../etc' }, 'workDir'],
    ['a work directory with an empty part', { workDir: '/work//x' }, 'workDir'],
    ['a host name with a dot', { hostname: 'a.b' }, 'hostname'],
    ['a host name that begins with a dash', { hostname: '-a' }, 'hostname'],
    ['a port published twice', { network: 'bridge', ports: ['8080:80', '127.0.0.1:8080:81'] }, 'ports.1'],
    ['a port of all addresses and of one', { network: 'bridge', ports: ['0.0.0.0:53:1', '53:2'] }, 'ports.1'],
  ])('refuses %s and names the field', (_what, change, field) => {
    expect(refused(change)).toContain(field);
  });

  it.each(['constructor', 'toString', 'valueOf'])('takes a variable of the name %s', (name) => {
    expect(jobSpecSchema.parse({ ...PLAIN_SPEC, environment: { [name]: 'x' } }).environment).toEqual({
      [name]: 'x',
    });
  });

  it('refuses __proto__ instead of losing it', () => {
    const environment = JSON.parse('{"__proto__":"x"}');
    expect(refused({ environment })).toContain('environment __proto__ cannot be set');
    expect(refused({ secretEnvironment: environment })).toContain('secretEnvironment __proto__');
  });

  it('takes one port of two addresses, and for both protocols', () => {
    const ports = ['53:53', '53:53/udp', '127.0.0.2:53:53'];
    expect(jobSpecSchema.parse({ ...PLAIN_SPEC, network: 'bridge', ports }).ports).toEqual(ports);
  });

  it('bounds what arguments and environment take together', () => {
    expect(refused({ args: Array.from({ length: 13 }, () => 'x'.repeat(130_000)) })).toContain('together');
  });

  it('never takes a name with a control character', () => {
    const control = fc.integer({ min: 0, max: 0x9f }).filter((code) => code < 0x20 || code >= 0x7f);
    fc.assert(
      fc.property(fc.string(), control, fc.string(), (before, code, after) => {
        const name = before + String.fromCharCode(code) + after;
        expect(jobSpecSchema.safeParse({ ...PLAIN_SPEC, name }).success).toBe(false);
      }),
    );
  });
});

describe('isSecretName', () => {
  it.each(['GITHUB_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'DB_PASSWORD', 'X_SECRET', 'SECRET_X'])(
    'hides %s',
    (name) => {
      expect(isSecretName(name)).toBe(true);
    },
  );
  it.each(['TOKENS', 'KEYBOARD', 'PATH', 'MY_SECRETS'])('shows %s', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});
