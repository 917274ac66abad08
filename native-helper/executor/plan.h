/* The plan: all that the executor is told about one job. docs/plan-format.md has the bytes, this header the values. */
#ifndef JOBLET_PLAN_H
#define JOBLET_PLAN_H

#include "terminal.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PLAN_VERSION = 3,
	PLAN_HEADER_BYTES = 64,
	PLAN_BYTES_MAXIMUM = 4 * 1024 * 1024,
	PLAN_RECORDS_MAXIMUM = 65536,
	PLAN_STRING_MAXIMUM = 131071, /* MAX_ARG_STRLEN of execve(2), less its NUL */
	PLAN_PATH_MAXIMUM = 4095,     /* PATH_MAX, less its NUL */
	PLAN_FIRST_SOURCE = 10,
	PLAN_LAST_SOURCE = PLAN_FIRST_SOURCE + 1023,
	PLAN_NO_SOURCE = -1,
	BUILD_ID_BYTES = 32,
	UUID_BYTES = 36,
	HOSTNAME_MAXIMUM = 64,

	GROUPS_MAXIMUM = 64,
	ID_RANGES_MAXIMUM = 32,
	IDMAPS_MAXIMUM = 128,
	MOUNTS_MAXIMUM = 1024,
	DEVICES_MAXIMUM = 256,
	LIMITS_MAXIMUM = 64,
	RLIMITS_MAXIMUM = 16,
	ENVIRONMENT_MAXIMUM = 16384,
	ARGUMENTS_MAXIMUM = 16384,
	SECCOMP_MAXIMUM = 4096,
	LANDLOCK_PORTS_MAXIMUM = 1024,
	LOG_MEMORY_MINIMUM = 1024 * 1024, /* bytes */
};

enum plan_namespace {
	NAMESPACE_PID = 1,
	NAMESPACE_MOUNT = 2,
	NAMESPACE_IPC = 4,
	NAMESPACE_UTS = 8,
	NAMESPACE_CGROUP = 16,
	NAMESPACE_USER = 32,
};

enum plan_network { NETWORK_HOST, NETWORK_NEW, NETWORK_JOIN };

enum plan_mount_kind {
	MOUNT_BIND = 1,
	MOUNT_TMPFS,
	MOUNT_PROC,
	MOUNT_DEVPTS,
	MOUNT_MQUEUE,
	MOUNT_DIRECTORY,
	MOUNT_FILE,
	MOUNT_SYMLINK,
	MOUNT_MASK,
	MOUNT_READ_ONLY,
	MOUNT_KINDS_END,
};

enum plan_attribute {
	ATTRIBUTE_READ_ONLY = 1,
	ATTRIBUTE_NOSUID = 2,
	ATTRIBUTE_NODEV = 4,
	ATTRIBUTE_NOEXEC = 8,
	ATTRIBUTE_RECURSIVE = 16,
	ATTRIBUTE_FILE = 32,
	ATTRIBUTE_IDMAPPED = 64,
};

/* What the command has as its standard input. */
enum plan_input { INPUT_NONE, INPUT_PIPE, INPUT_TERMINAL };

/* <linux/landlock.h>: LANDLOCK_SCOPE_…, LANDLOCK_ACCESS_NET_…_TCP */
enum plan_landlock_scope { LANDLOCK_ABSTRACT_SOCKETS = 1, LANDLOCK_SIGNALS = 2 };
enum plan_landlock_access { LANDLOCK_BIND = 1, LANDLOCK_CONNECT = 2 };

enum plan_device_type { DEVICE_CHARACTER = 1, DEVICE_BLOCK };
enum plan_access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_MKNOD = 4 };
enum plan_id_kind { ID_USER, ID_GROUP };

struct plan_id_range {
	uint32_t kind, inside, outside, count;
};

struct plan_mount {
	uint32_t kind, attributes;
	int32_t source;
	uint32_t mode;
	uint64_t size;
	uint32_t uid, gid;
	const char *target;
	const uint8_t *data;
	uint32_t data_bytes;
};

struct plan_device {
	uint32_t type, major, minor, mode, access;
	const char *path;
};

struct plan_limit {
	const char *file, *written, *expected;
};

struct plan_rlimit {
	uint32_t resource;
	uint64_t soft, hard;
};

enum plan_log_policy { LOG_POLICY_CONTINUE, LOG_POLICY_BLOCK };

/* What becomes of output that the disk doesn't take in time (overflow.h). */
struct plan_log {
	bool blocks;
	int32_t spill;
	uint64_t memory_bytes, spill_bytes;
};

/*
 * A parsed plan. Every pointer leads into the buffer it was parsed from, which has to live as long. It is large, and almost
 * all of it stays untouched: keep it in zeroed memory (static or mapped), where an untouched page costs nothing.
 */
struct plan {
	char uuid[UUID_BYTES + 1];
	uint32_t namespaces, network;
	int32_t network_source;
	const char *hostname; /* NULL: none */
	uint32_t uid, gid, group_count, groups[GROUPS_MAXIMUM];
	uint64_t capabilities;
	const char *work_directory;
	uint32_t seccomp_flags, seccomp_level, seccomp_count; /* count 0: none */
	const struct sock_filter *seccomp;
	uint32_t landlock_scopes, landlock_access; /* 0: none */
	uint32_t landlock_bind_count, landlock_connect_count;
	const uint32_t *landlock_bind, *landlock_connect; /* the ports that stay allowed */
	uint64_t timeout_ms, grace_ms; /* timeout 0: none */
	uint32_t input;
	struct terminal_size terminal_size;
	struct plan_log log;
	int32_t nice, oom_score_adj;

	uint32_t id_range_count, idmap_count, mount_count, device_count, limit_count, rlimit_count, environment_count, argument_count;
	struct plan_id_range id_ranges[ID_RANGES_MAXIMUM];
	struct plan_id_range idmaps[IDMAPS_MAXIMUM]; /* inside: of the file system; outside: as the job sees it */
	struct plan_mount mounts[MOUNTS_MAXIMUM];
	struct plan_device devices[DEVICES_MAXIMUM];
	struct plan_limit limits[LIMITS_MAXIMUM];
	struct plan_rlimit rlimits[RLIMITS_MAXIMUM];
	const char *environment[ENVIRONMENT_MAXIMUM + 1]; /* ends with NULL, as execve(2) wants it */
	const char *arguments[ARGUMENTS_MAXIMUM + 1];
};

/* Why a plan is refused. */
enum plan_fault {
	PLAN_TRUNCATED = 1,
	PLAN_OVERSIZED,
	PLAN_FOREIGN,
	PLAN_OTHER_VERSION,
	PLAN_OTHER_BUILD,
	PLAN_RECORD_COUNT,
	PLAN_UNKNOWN_RECORD,
	PLAN_TOO_MANY,
	PLAN_MISSING,
	PLAN_RESERVED,
	PLAN_PADDING,
	PLAN_TRAILING,
	PLAN_STRING,
	PLAN_TARGET,
	PLAN_VALUE,
	PLAN_COMBINATION,
	PLAN_FAULTS_END,
};

struct plan_error {
	enum plan_fault fault;
	uint32_t record; /* its type, 0 = the header or the plan as a whole */
	size_t offset;   /* of the record, in bytes */
};

/*
 * Checks the header alone, so that a reader knows how much to read before it reads more.
 * On success *size is the size of the whole plan, PLAN_HEADER_BYTES … PLAN_BYTES_MAXIMUM.
 */
bool plan_parse_header(const uint8_t header[PLAN_HEADER_BYTES], const uint8_t build[BUILD_ID_BYTES], size_t *size,
		       struct plan_error *error);

/*
 * Parses a whole plan. Reads nothing beyond bytes[size - 1], does no I/O, allocates nothing. `bytes` is aligned to 8 and `plan` is
 * all zero. On failure `plan` is half filled and must not be used.
 */
bool plan_parse(const uint8_t *bytes, size_t size, const uint8_t build[BUILD_ID_BYTES], struct plan *plan,
		struct plan_error *error);

/* The id outside the plan's user namespace that an id inside is; without one it is the same. */
uint32_t plan_outside_id(const struct plan *plan, enum plan_id_kind kind, uint32_t id);

const char *plan_fault_text(enum plan_fault fault);
const char *plan_record_name(uint32_t type);

#endif
