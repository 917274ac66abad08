#define _GNU_SOURCE
#include "open.h"

#include "files.h"
#include "layer.h"
#include "sys.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum {
	FD_ANSWER = 3,
	FIRST_PATH = 5,
	PATHS_MAXIMUM = 64,
	USER_GROUPS_MAXIMUM = 65536, /* NGROUPS_MAX */
	EXIT_ARGUMENTS = 2,
	EXIT_FAILED = 1,
};

/* What is told of a path: errno, or 0 and what lies there; its descriptor is then among those sent along, in their order. */
struct found {
	uint32_t error, mode, uid, gid;
	uint64_t device, inode, file_system;
};
static_assert(sizeof(struct found) == 40, "docs/monitor-protocol.md says where each field lies");

struct answer {
	struct found found[PATHS_MAXIMUM];
	int descriptors[PATHS_MAXIMUM];
	uint32_t paths, opened;
};

static bool parse_id(const char *text, uint32_t *id)
{
	uint64_t value;

	/* (uid_t)-1 means "leave it as it is" to setresuid(2), which would leave it root. */
	if (!parse_unsigned(text, &value) || value >= UINT32_MAX)
		return false;
	*id = (uint32_t)value;
	return true;
}

static bool parse_groups(char *list, gid_t *groups, size_t *count)
{
	char *word;

	*count = 0;
	if (*list == '\0')
		return true;
	while ((word = strsep(&list, ",")))
		if (*count == USER_GROUPS_MAXIMUM || !parse_id(word, &groups[(*count)++]))
			return false;
	return true;
}

/* Everything that the kernel asks when a path is walked: ids, groups, and through them the capabilities. */
static bool become(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	if (!LAYER("mount-rights"))
		return true;
	return setgroups(count, groups) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}

/* Here and not in the helper: whoever serves the file system, such as a program of the user's by FUSE, may never answer. */
static bool examine(int descriptor, struct found *found)
{
	struct stat status;
	struct statfs system;

	if (fstat(descriptor, &status) < 0 || fstatfs(descriptor, &system) < 0 || sys_faccessat2(descriptor, "", R_OK) < 0)
		return false;
	*found = (struct found){
		.mode = status.st_mode,
		.uid = status.st_uid,
		.gid = status.st_gid,
		.device = status.st_dev,
		.inode = status.st_ino,
		.file_system = (uint64_t)system.f_type,
	};
	return true;
}

/*
 * Links are followed: with the user's own rights they lead nowhere that the user couldn't name. Magic links do, as /proc/<pid>/root
 * into the mounts of another process.
 */
static int open_path(const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};

	return sys_openat2(AT_FDCWD, path, &how);
}

static bool send_answer(struct answer *answer)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof answer->descriptors)];
	} control = {0};
	struct iovec data = {.iov_base = answer->found, .iov_len = answer->paths * sizeof *answer->found};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	size_t size = answer->opened * sizeof *answer->descriptors;

	if (answer->opened > 0) {
		control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(size)};
		memcpy(CMSG_DATA(&control.header), answer->descriptors, size);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(size);
	}
	return sendmsg(FD_ANSWER, &message, MSG_NOSIGNAL) == (ssize_t)data.iov_len;
}

int open_as_user(int argc, char **argv)
{
	static gid_t groups[USER_GROUPS_MAXIMUM];
	struct answer answer = {.paths = (uint32_t)(argc - FIRST_PATH)};
	uint32_t uid, gid;
	size_t count;

	if (argc <= FIRST_PATH || argc - FIRST_PATH > PATHS_MAXIMUM || !parse_id(argv[2], &uid) || !parse_id(argv[3], &gid) ||
	    !parse_groups(argv[4], groups, &count))
		return EXIT_ARGUMENTS;
	/* Before the ids change, and for good: nobody of the user's may trace what was root a moment ago. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !become(uid, gid, groups, count))
		return EXIT_FAILED;
	for (uint32_t i = 0; i < answer.paths; i++) {
		int opened = open_path(argv[FIRST_PATH + i]);

		if (opened < 0 || !examine(opened, &answer.found[i]))
			answer.found[i].error = (uint32_t)errno;
		else
			answer.descriptors[answer.opened++] = opened;
	}
	return send_answer(&answer) ? 0 : EXIT_FAILED;
}
