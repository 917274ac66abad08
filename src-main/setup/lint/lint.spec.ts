/** That what must not be written is not accepted, and why it is not. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const BANNED = 'native-helper/executor/banned.h';

/** What biome says of a file of this content, where the rules are those of the checkout. */
function lint(path: string, code: string): string {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'joblet-lint-'));
  for (const rules of ['biome.json', 'src-main/setup/lint']) {
    cpSync(rules, join(folder.path, rules), { recursive: true });
  }
  mkdirSync(join(folder.path, dirname(path)), { recursive: true });
  writeFileSync(join(folder.path, path), code);
  const argv = ['lint', '--vcs-enabled=false', '--colors=off', path];
  const biome = resolve('node_modules/.bin/biome');
  const { stdout, stderr } = spawnSync(biome, argv, { cwd: folder.path, encoding: 'utf8' });
  expect(stdout + stderr).toContain('Checked 1 file');
  return stdout + stderr;
}

function compile(statement: string): string {
  const argv = ['-std=gnu17', '-fsyntax-only', '-include', BANNED, '-xc', '-'];
  const code = `void f(char *text) { ${statement}; }\n`;
  const { status, stderr } = spawnSync('gcc', argv, { input: code, encoding: 'utf8' });
  return `${status} ${stderr}`;
}

test.each([
  ["exec('ls ' + name);", 'runs a shell'],
  ["execSync('ls ' + name);", 'runs a shell'],
  ["spawn('ls', [name], { shell: true });", 'a shell reads'],
  ["spawn('ls', [name], { shell: '/bin/bash' });", 'a shell reads'],
  ['new Function(name);', 'runs as a program'],
  ['eval(name);', 'runs code from a string'],
  ["setTimeout('go(' + name + ')', 1);", 'implied eval'],
  ['element.innerHTML = name;', 'becomes HTML'],
  ['element.outerHTML += name;', 'becomes HTML'],
  ["element.insertAdjacentHTML('beforeend', name);", 'becomes HTML'],
  ['document.write(name);', 'becomes HTML'],
])('everywhere: %s', (code, reason) => {
  expect(lint('src-main/cli/any.ts', code)).toContain(reason);
});

test.each([
  ['<p>{@html name}</p>', 'unescaped HTML'],
  ['<script lang="ts">element.innerHTML = name;</script>', 'becomes HTML'],
  ['<p onclick={() => { element.innerHTML = name; }}>x</p>', 'becomes HTML'],
  ['<p onclick={() => eval(name)}>x</p>', 'runs code from a string'],
])('in the page: %s', (code, reason) => {
  expect(lint('src-renderer/ui/Any.svelte', code)).toContain(reason);
});

test.each([
  ['if (existsSync(path)) { open(path); }', 'CVE-2024-0132'],
  ['chownSync(path, 0, 0);', 'fchownSync'],
  ["copyFileSync('a', 'b');", 'Follows links'],
  ['rmSync(path, { force: true, recursive: true });', 'Walks by path'],
  ['const name = Math.random();', 'Can be guessed'],
])('in the helper: %s', (code, reason) => {
  expect(lint('native-helper/server/any.ts', code)).toContain(reason);
  expect(lint('src-main/cli/any.ts', code)).not.toContain(reason);
});

test.each([
  ["pattern.exec('text');"],
  ["execFile('ls', [name]);"],
  ['const flags = { shell: name };'],
  ['rmSync(path, { force: true });'],
])('nothing against %s', (code) => {
  expect(lint('native-helper/server/any.ts', code)).not.toContain('plugin');
});

test.each([
  ['strcpy(text, "1")', 'CWE-120'],
  ['strcat(text, "1")', 'CWE-120'],
  ['sprintf(text, "1")', 'CWE-120'],
  ['gets(text)', 'CWE-120'],
  ['strncpy(text, "1", 1)', 'lack its end'],
  ['printf(text)', 'CWE-134'],
  ['alloca(1)', 'bound'],
  ['mount("a", "b", "c", 0, 0)', 'CVE-2021-30465'],
  ['chmod(text, 0)', 'openat2'],
  ['system(text)', 'a shell'],
  ['popen(text, "r")', 'a shell'],
  ['access(text, 0)', 'may be something else'],
  ['mktemp(text)', 'guessed'],
  ['setuid(1)', 'setresuid'],
  ['malloc(1)', 'bound'],
])('in C: %s', (statement, reason) => {
  expect(compile(statement)).toMatch(new RegExp(`^1 .*error: banned: .*${reason}`, 's'));
});

test('in C a field may have the name of a banned call', () => {
  expect(compile('struct { int mount, access; } s = {1, 2}; s.mount = s.access')).toMatch(/^0 /);
});
