#define _GNU_SOURCE
#include "idmap.h"

#include "files.h"
#include "sys.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than the kernel takes in one write, which is a page. */
enum { MAP_BYTES = IDMAPS_MAXIMUM * sizeof "4294967295 4294967295 4294967295\n" };

static const char *process_path(pid_t pid, const char *file, char *buffer, size_t capacity)
{
	struct text path = {.buffer = buffer, .capacity = capacity, .fd = -1};

	text_add(&path, "/proc/");
	text_add_unsigned(&path, (uint64_t)pid);
	text_add(&path, file);
	return text_string(&path);
}

static bool write_map(pid_t pid, enum plan_id_kind kind, const struct plan_id_range *ranges, uint32_t count,
		      struct failure *failure)
{
	char map_buffer[MAP_BYTES], path_buffer[48];
	const char *path = process_path(pid, kind == ID_USER ? "/uid_map" : "/gid_map", path_buffer, sizeof path_buffer);
	struct text map = TEXT_IN(map_buffer);

	for (uint32_t i = 0; i < count; i++) {
		if (ranges[i].kind != kind)
			continue;
		text_add_unsigned(&map, ranges[i].inside);
		text_add(&map, " ");
		text_add_unsigned(&map, ranges[i].outside);
		text_add(&map, " ");
		text_add_unsigned(&map, ranges[i].count);
		text_add(&map, "\n");
	}
	return file_write(AT_FDCWD, path, text_string(&map)) == 0 || failed(failure, "namespace", "write", path);
}

bool idmap_write(pid_t pid, const struct plan_id_range *ranges, uint32_t count, struct failure *failure)
{
	return write_map(pid, ID_USER, ranges, count, failure) && write_map(pid, ID_GROUP, ranges, count, failure);
}

/* A namespace lives as long as a process is in it or a descriptor leads to it. */
static pid_t hold_namespace(struct failure *failure)
{
	struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	long pid = sys_clone3(&arguments);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	if (pid < 0)
		failed(failure, "namespace", "clone3 CLONE_NEWUSER", "idmapped mounts");
	return (pid_t)pid;
}

int idmap_open(const struct plan *plan, struct failure *failure)
{
	char path_buffer[48];
	pid_t holder = hold_namespace(failure);
	int namespace = -1;

	if (holder < 0)
		return -1;
	if (idmap_write(holder, plan->idmaps, plan->idmap_count, failure)) {
		const char *path = process_path(holder, "/ns/user", path_buffer, sizeof path_buffer);

		namespace = open(path, O_RDONLY | O_CLOEXEC);
		if (namespace < 0)
			failed(failure, "namespace", "open", path);
	}
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	return namespace;
}
