#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* `program` is the executor, open for reading: can it be opened for writing as well? */
void judge_executor(int program)
{
	char path[32];
	int seals = fcntl(program, F_GET_SEALS);
	const int wanted = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	if (seals >= 0 && (seals & wanted) == wanted)
		held("the executor is sealed: %x", (unsigned)seals);
	snprintf(path, sizeof path, "/proc/self/fd/%d", program);
	int writable = open(path, O_WRONLY | O_CLOEXEC);
	/* ETXTBSY lasts as long as someone runs it: the runtime that was attacked had ended by then. */
	if (writable < 0 && errno != ETXTBSY)
		refused("open", path);
	escaped("the executor can be written once nobody runs it (seals %d)", seals);
}

/* CVE-2019-5736: the runtime's own binary, taken from the process that runs it, opened again for writing. */
static void overwrite(char **arguments)
{
	(void)arguments;
	int program = open("/proc/1/exe", O_RDONLY | O_CLOEXEC);
	if (program < 0)
		refused("open", "/proc/1/exe");
	judge_executor(program);
}

const struct program EXECUTOR[] = {
	{ "executor.overwrite", 0, overwrite },
	{ 0 },
};
