/** What people run, at the levels at which it has to run, and without a call that is denied. */
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import { closeJobService, logOf, openJobService, runToEnd, shell } from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';

let root: string;
let jobs: JobManager;
const server = createServer((_request, response) => response.end('hello\n'));
/** The job finds it as $PORT. */
let port = '';

beforeAll(async () => {
  root = temporaryRoot();
  jobs = await openJobService(root);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = String((server.address() as AddressInfo).port);
});
afterAll(async () => {
  server.close();
  await closeJobService(jobs);
  rmSync(root, { recursive: true });
});

const PROGRAM = '#include <stdio.h>\\n#include <pthread.h>\\nstatic void *run(void *a) { return a; }\\n';
const MAIN =
  'int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); pthread_join(t, 0); return puts("ok") < 0; }\\n';

interface Program {
  readonly name: string;
  /** The file without which it is not installed here. */
  readonly needs: string;
  readonly line: string;
  readonly output: string;
}

const AT_LEVEL_2: readonly Program[] = [
  {
    name: 'node, with workers and children',
    needs: '/usr/bin/node',
    line: `node -e 'const { Worker } = require("node:worker_threads"); const { execFileSync } = require("node:child_process");
      new Worker("require(\\"node:fs\\").writeFileSync(\\"w\\", \\"x\\")", { eval: true }).on("exit", () =>
        console.log(execFileSync("cat", ["w"], { encoding: "utf8" })))'`,
    output: 'x\n',
  },
  {
    name: 'gcc, and what it has built',
    needs: '/usr/bin/gcc',
    line: `printf '${PROGRAM}${MAIN}' > a.c && gcc -O2 -pthread a.c -o a && ./a`,
    output: 'ok\n',
  },
  {
    name: 'git',
    needs: '/usr/bin/git',
    line: `git init -q one && cd one && echo x > file && git add . && git -c user.name=a -c user.email=a@b commit -qm first &&
      cd .. && git clone -q one two && git -C two log --format=%s && git -C two gc -q`,
    output: 'first\n',
  },
  { name: 'curl', needs: '/usr/bin/curl', line: 'curl -s http://127.0.0.1:$PORT/', output: 'hello\n' },
  {
    name: 'numpy',
    needs: '/usr/lib/python3/dist-packages/numpy/__init__.py',
    line: '/usr/bin/python3 -c "import numpy; a = numpy.ones((300, 300)); print(int((a @ a)[0, 0]))"',
    output: '300\n',
  },
  {
    name: 'ffmpeg',
    needs: '/usr/bin/ffmpeg',
    line: 'ffmpeg -v error -f lavfi -i testsrc=duration=1:size=64x64 -threads 2 out.mp4 && test -s out.mp4 && echo made',
    output: 'made\n',
  },
];

const AT_LEVEL_3: readonly Program[] = [
  {
    name: 'python, with threads, children and sockets',
    needs: '/usr/bin/python3',
    line: `/usr/bin/python3 -c 'import os, subprocess, tempfile, threading, time, urllib.request
thread = threading.Thread(target=time.sleep, args=(0.01,)); thread.start(); thread.join()
print(subprocess.run(["echo", "child"], capture_output=True, text=True).stdout, end="")
print(urllib.request.urlopen("http://127.0.0.1:" + os.environ["PORT"]).read().decode(), end="")
tempfile.NamedTemporaryFile().write(b"x")'`,
    output: 'child\nhello\n',
  },
  {
    name: 'a shell and its tools',
    needs: '/bin/tar',
    line: `mkdir a && seq 1000 | sort -n | awk '{ s += $1 } END { print s }' > a/sum && cp -a a b && mv b c && ln -s c d && find . -type f |
      xargs sed -i s/5/6/ && tar cf - c | gzip | tar xzf - && ls -la d > /dev/null && du -s . > /dev/null && touch -d yesterday c &&
      mkfifo p && { echo through > p & cat p; } && wait && date > /dev/null && cat c/sum && rm -r a c d p`,
    output: 'through\n600500\n',
  },
];

function runsAt(seccompLevel: number, programs: readonly Program[]): void {
  describe(`at level ${seccompLevel}`, () => {
    it.for(programs)('runs $name', async ({ needs, line, output }, { skip }) => {
      skip(!existsSync(needs), `${needs} is not installed`);
      const job = await runToEnd(jobs, shell(line, { seccompLevel, environment: { PORT: port } }));
      expect((await logOf(jobs, job.uuid)).toString()).toBe(output);
      expect([job.exitCode, job.denials.map(({ call }) => call)]).toEqual([0, []]);
    });
  });
}

runsAt(2, [...AT_LEVEL_2, ...AT_LEVEL_3]);
runsAt(3, AT_LEVEL_3);
