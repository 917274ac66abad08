/*
 * The plan parser. It stands between the helper and everything that is done as root, so it is small, pure, bounded, and driven by
 * tables: what is not in a table is refused. It is fuzzed with coverage (fuzz/).
 */
#include "plan-cursor.h"
#include "plan.h"

#include <assert.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "plans are little-endian and are read in place");

enum { RECORD_HEADER_BYTES = 8, RECORD_ALIGNMENT = 8 };

static const char MAGIC[8] = "JOBLPLAN";

static bool only_flags(uint32_t value, uint32_t known)
{
	return (value & ~known) == 0;
}

/* Absolute, without empty, `.` and `..` components: a path that means the same however it is walked. */
static bool is_plain_path(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *part = path + 1;; part++) {
		size_t length = strcspn(part, "/");
		bool dots = length <= 2 && strspn(part, ".") >= length; /* also true for the empty component */

		if (dots)
			return false;
		part += length;
		if (*part == '\0')
			return true;
	}
}

static const char *take_target(struct cursor *cursor, bool root_allowed)
{
	const char *target = take_string(cursor, 1, PLAN_PATH_MAXIMUM);

	if (cursor->fault == 0 && !is_plain_path(target) && !(root_allowed && strcmp(target, "/") == 0))
		fail(cursor, PLAN_TARGET);
	return target;
}

static void parse_job(struct cursor *cursor, struct plan *plan)
{
	static const char PATTERN[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const uint8_t *uuid = take(cursor, UUID_BYTES);

	if (!uuid)
		return;
	for (size_t i = 0; i < UUID_BYTES; i++) {
		bool digit = (uuid[i] >= '0' && uuid[i] <= '9') || (uuid[i] >= 'a' && uuid[i] <= 'f');

		require(cursor, PATTERN[i] == '-' ? uuid[i] == '-' : digit, PLAN_VALUE);
	}
	memcpy(plan->uuid, uuid, UUID_BYTES);
}

static bool is_source(int32_t source)
{
	return source >= PLAN_FIRST_SOURCE && source <= PLAN_LAST_SOURCE;
}

static void parse_namespaces(struct cursor *cursor, struct plan *plan)
{
	const uint32_t known = NAMESPACE_PID | NAMESPACE_MOUNT | NAMESPACE_IPC | NAMESPACE_UTS | NAMESPACE_CGROUP | NAMESPACE_USER;
	const uint32_t always = NAMESPACE_PID | NAMESPACE_MOUNT;

	plan->namespaces = take_u32(cursor);
	plan->network = take_u32(cursor);
	plan->network_source = take_i32(cursor);
	require(cursor, only_flags(plan->namespaces, known), PLAN_VALUE);
	require(cursor, (plan->namespaces & always) == always, PLAN_COMBINATION);
	require(cursor, plan->network <= NETWORK_JOIN, PLAN_VALUE);
	if (plan->network == NETWORK_JOIN)
		require(cursor, is_source(plan->network_source), PLAN_VALUE);
	else
		require(cursor, plan->network_source == PLAN_NO_SOURCE, PLAN_COMBINATION);
}

static void parse_hostname(struct cursor *cursor, struct plan *plan)
{
	plan->hostname = take_string(cursor, 1, HOSTNAME_MAXIMUM);
}

/* (uid_t)-1 means "leave it as it is" to setresuid(2), which would leave it root. */
static void require_id(struct cursor *cursor, uint32_t id)
{
	require(cursor, id != UINT32_MAX, PLAN_VALUE);
}

static void parse_credentials(struct cursor *cursor, struct plan *plan)
{
	plan->uid = take_u32(cursor);
	plan->gid = take_u32(cursor);
	plan->capabilities = take_u64(cursor);
	plan->group_count = take_u32(cursor);
	require_id(cursor, plan->uid);
	require_id(cursor, plan->gid);
	require(cursor, plan->capabilities >> (CAP_LAST_CAP + 1) == 0, PLAN_VALUE);
	if (plan->group_count > GROUPS_MAXIMUM) {
		fail(cursor, PLAN_TOO_MANY);
		return;
	}
	for (uint32_t i = 0; i < plan->group_count; i++) {
		plan->groups[i] = take_u32(cursor);
		require_id(cursor, plan->groups[i]);
	}
}

static void take_range(struct cursor *cursor, struct plan_id_range *range)
{
	range->kind = take_u32(cursor);
	range->inside = take_u32(cursor);
	range->outside = take_u32(cursor);
	range->count = take_u32(cursor);
	require(cursor, range->kind <= ID_GROUP, PLAN_VALUE);
	require(cursor, range->count >= 1, PLAN_VALUE);
	require(cursor, range->inside <= UINT32_MAX - range->count, PLAN_VALUE);
	require(cursor, range->outside <= UINT32_MAX - range->count, PLAN_VALUE);
}

static void parse_id_range(struct cursor *cursor, struct plan *plan)
{
	take_range(cursor, &plan->id_ranges[plan->id_range_count++]);
}

static void parse_idmap(struct cursor *cursor, struct plan *plan)
{
	take_range(cursor, &plan->idmaps[plan->idmap_count++]);
}

/* Which fields a kind of mount uses; the others are zero (the source: none). */
struct mount_rule {
	uint32_t attributes;
	bool source, mode, tmpfs;
	uint32_t data_minimum, data_maximum;
};

enum { CLOSING = ATTRIBUTE_NOSUID | ATTRIBUTE_NODEV | ATTRIBUTE_NOEXEC };

static const struct mount_rule MOUNT_RULES[MOUNT_KINDS_END] = {
	[MOUNT_BIND] = {.attributes = ATTRIBUTE_READ_ONLY | CLOSING | ATTRIBUTE_RECURSIVE | ATTRIBUTE_FILE | ATTRIBUTE_IDMAPPED,
			.source = true},
	[MOUNT_TMPFS] = {.attributes = ATTRIBUTE_READ_ONLY | CLOSING, .mode = true, .tmpfs = true},
	[MOUNT_PROC] = {.attributes = ATTRIBUTE_READ_ONLY | CLOSING},
	[MOUNT_DEVPTS] = {.attributes = ATTRIBUTE_READ_ONLY | CLOSING},
	[MOUNT_MQUEUE] = {.attributes = ATTRIBUTE_READ_ONLY | CLOSING},
	[MOUNT_DIRECTORY] = {.mode = true},
	[MOUNT_FILE] = {.mode = true, .data_maximum = PLAN_BYTES_MAXIMUM},
	[MOUNT_SYMLINK] = {.data_minimum = 1, .data_maximum = PLAN_PATH_MAXIMUM},
	[MOUNT_MASK] = {},
	[MOUNT_READ_ONLY] = {},
};

static void check_mount(struct cursor *cursor, const struct plan_mount *mount)
{
	const struct mount_rule *rule = &MOUNT_RULES[mount->kind];

	require(cursor, only_flags(mount->attributes, rule->attributes), PLAN_COMBINATION);
	require(cursor, rule->source ? is_source(mount->source) : mount->source == PLAN_NO_SOURCE, PLAN_COMBINATION);
	require(cursor, mount->mode <= (rule->mode ? 07777u : 0), PLAN_COMBINATION);
	require(cursor, mount->data_bytes >= rule->data_minimum && mount->data_bytes <= rule->data_maximum, PLAN_COMBINATION);
	if (rule->tmpfs) {
		/* tmpfs(5) takes size=0 as "no bound". */
		require(cursor, mount->size >= 1, PLAN_VALUE);
		require_id(cursor, mount->uid);
		require_id(cursor, mount->gid);
	} else {
		require(cursor, mount->size == 0 && mount->uid == 0 && mount->gid == 0, PLAN_COMBINATION);
	}
	if (cursor->fault == 0 && mount->kind == MOUNT_SYMLINK)
		require(cursor, !memchr(mount->data, '\0', mount->data_bytes), PLAN_STRING);
}

static void parse_mount(struct cursor *cursor, struct plan *plan)
{
	bool root = plan->mount_count == 0;
	struct plan_mount *mount = &plan->mounts[plan->mount_count++];

	mount->kind = take_u32(cursor);
	mount->attributes = take_u32(cursor);
	mount->source = take_i32(cursor);
	mount->mode = take_u32(cursor);
	mount->size = take_u64(cursor);
	mount->uid = take_u32(cursor);
	mount->gid = take_u32(cursor);
	mount->target = take_target(cursor, root);
	mount->data_bytes = take_u32(cursor);
	mount->data = take(cursor, mount->data_bytes);
	if (mount->kind < MOUNT_BIND || mount->kind >= MOUNT_KINDS_END) {
		fail(cursor, PLAN_VALUE);
		return;
	}
	check_mount(cursor, mount);
	if (root)
		require(cursor, mount->kind == MOUNT_TMPFS && strcmp(mount->target, "/") == 0, PLAN_COMBINATION);
}

/* A job has no way around a node's mode, so the mode must not give what the access doesn't. */
static bool mode_fits_access(uint32_t mode, uint32_t access)
{
	bool reads = mode & 0444, writes = mode & 0222;

	return (!reads || access & ACCESS_READ) && (!writes || access & ACCESS_WRITE);
}

static void parse_device(struct cursor *cursor, struct plan *plan)
{
	struct plan_device *device = &plan->devices[plan->device_count++];

	device->type = take_u32(cursor);
	device->major = take_u32(cursor);
	device->minor = take_u32(cursor);
	device->mode = take_u32(cursor);
	device->access = take_u32(cursor);
	device->path = take_target(cursor, false);
	require(cursor, device->type == DEVICE_CHARACTER || device->type == DEVICE_BLOCK, PLAN_VALUE);
	/* include/linux/kdev_t.h: 12 bits of major, 20 of minor */
	require(cursor, device->major < 1u << 12 && device->minor < 1u << 20, PLAN_VALUE);
	require(cursor, only_flags(device->mode, 0777), PLAN_VALUE);
	require(cursor, only_flags(device->access, ACCESS_READ | ACCESS_WRITE | ACCESS_MKNOD), PLAN_VALUE);
	require(cursor, mode_fits_access(device->mode, device->access), PLAN_COMBINATION);
}

static void parse_limit(struct cursor *cursor, struct plan *plan)
{
	struct plan_limit *limit = &plan->limits[plan->limit_count++];

	limit->file = take_string(cursor, 1, 255);
	limit->written = take_string(cursor, 0, 255);
	limit->expected = take_string(cursor, 0, 255);
	/* A leading dot would allow `..`. */
	require(cursor, limit->file[0] != '.', PLAN_VALUE);
	require(cursor, limit->file[strspn(limit->file, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == '\0', PLAN_VALUE);
}

static void parse_rlimit(struct cursor *cursor, struct plan *plan)
{
	struct plan_rlimit *rlimit = &plan->rlimits[plan->rlimit_count++];

	rlimit->resource = take_u32(cursor);
	require(cursor, take_u32(cursor) == 0, PLAN_RESERVED);
	rlimit->soft = take_u64(cursor);
	rlimit->hard = take_u64(cursor);
	require(cursor, rlimit->resource < RLIMITS_MAXIMUM, PLAN_VALUE);
	require(cursor, rlimit->soft <= rlimit->hard, PLAN_VALUE);
	for (uint32_t i = 0; i + 1 < plan->rlimit_count; i++)
		require(cursor, plan->rlimits[i].resource != rlimit->resource, PLAN_TOO_MANY);
}

static void parse_environment(struct cursor *cursor, struct plan *plan)
{
	const char *variable = take_string(cursor, 2, PLAN_STRING_MAXIMUM);

	plan->environment[plan->environment_count++] = variable;
	if (cursor->fault == 0)
		require(cursor, variable[0] != '=' && strchr(variable, '='), PLAN_VALUE);
}

static void parse_argument(struct cursor *cursor, struct plan *plan)
{
	size_t minimum = plan->argument_count == 0 ? 1 : 0;

	plan->arguments[plan->argument_count++] = take_string(cursor, minimum, PLAN_STRING_MAXIMUM);
}

static void parse_work_directory(struct cursor *cursor, struct plan *plan)
{
	plan->work_directory = take_string(cursor, 1, PLAN_PATH_MAXIMUM);
	require(cursor, plan->work_directory[0] == '/', PLAN_TARGET);
}

static void parse_seccomp(struct cursor *cursor, struct plan *plan)
{
	plan->seccomp_flags = take_u32(cursor);
	plan->seccomp_level = take_u32(cursor);
	plan->seccomp_count = take_u32(cursor);
	require(cursor, only_flags(plan->seccomp_flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_NEW_LISTENER), PLAN_VALUE);
	require(cursor, plan->seccomp_count >= 1, PLAN_VALUE);
	if (plan->seccomp_count > SECCOMP_MAXIMUM) {
		fail(cursor, PLAN_TOO_MANY);
		return;
	}
	plan->seccomp = (const void *)take(cursor, plan->seccomp_count * sizeof(struct sock_filter));
}

/* Port 0 means "any" to bind(2), and would be more than a list says. */
static const uint32_t *take_ports(struct cursor *cursor, uint32_t count)
{
	const uint32_t *ports = (const void *)take(cursor, count * sizeof(uint32_t));

	for (uint32_t i = 0; ports && i < count; i++)
		require(cursor, ports[i] >= 1 && ports[i] <= UINT16_MAX, PLAN_VALUE);
	return ports;
}

static void parse_landlock(struct cursor *cursor, struct plan *plan)
{
	plan->landlock_scopes = take_u32(cursor);
	plan->landlock_access = take_u32(cursor);
	plan->landlock_bind_count = take_u32(cursor);
	plan->landlock_connect_count = take_u32(cursor);
	require(cursor, only_flags(plan->landlock_scopes, LANDLOCK_ABSTRACT_SOCKETS | LANDLOCK_SIGNALS), PLAN_VALUE);
	require(cursor, only_flags(plan->landlock_access, LANDLOCK_BIND | LANDLOCK_CONNECT), PLAN_VALUE);
	require(cursor, plan->landlock_scopes != 0 || plan->landlock_access != 0, PLAN_VALUE);
	require(cursor, plan->landlock_bind_count == 0 || plan->landlock_access & LANDLOCK_BIND, PLAN_COMBINATION);
	require(cursor, plan->landlock_connect_count == 0 || plan->landlock_access & LANDLOCK_CONNECT, PLAN_COMBINATION);
	if (plan->landlock_bind_count > LANDLOCK_PORTS_MAXIMUM || plan->landlock_connect_count > LANDLOCK_PORTS_MAXIMUM) {
		fail(cursor, PLAN_TOO_MANY);
		return;
	}
	plan->landlock_bind = take_ports(cursor, plan->landlock_bind_count);
	plan->landlock_connect = take_ports(cursor, plan->landlock_connect_count);
}

static void parse_times(struct cursor *cursor, struct plan *plan)
{
	plan->timeout_ms = take_u64(cursor);
	plan->grace_ms = take_u64(cursor);
}

static void parse_scheduling(struct cursor *cursor, struct plan *plan)
{
	plan->nice = take_i32(cursor);
	plan->oom_score_adj = take_i32(cursor);
	require(cursor, plan->nice >= 0 && plan->nice <= 19, PLAN_VALUE);
	require(cursor, plan->oom_score_adj >= -1000 && plan->oom_score_adj <= 1000, PLAN_VALUE);
}

static void parse_input(struct cursor *cursor, struct plan *plan)
{
	plan->input = take_u32(cursor);
	plan->terminal_size.columns = take_u32(cursor);
	plan->terminal_size.rows = take_u32(cursor);
	require(cursor, plan->input == INPUT_PIPE || plan->input == INPUT_TERMINAL, PLAN_VALUE);
	/* struct winsize */
	require(cursor, plan->terminal_size.columns <= UINT16_MAX && plan->terminal_size.rows <= UINT16_MAX, PLAN_VALUE);
	if (plan->input == INPUT_PIPE)
		require(cursor, plan->terminal_size.columns == 0 && plan->terminal_size.rows == 0, PLAN_COMBINATION);
}

static void parse_log(struct cursor *cursor, struct plan *plan)
{
	uint32_t policy = take_u32(cursor);

	plan->log.spill = take_i32(cursor);
	plan->log.memory_bytes = take_u64(cursor);
	plan->log.spill_bytes = take_u64(cursor);
	plan->log.blocks = policy == LOG_POLICY_BLOCK;
	require(cursor, policy == LOG_POLICY_CONTINUE || policy == LOG_POLICY_BLOCK, PLAN_VALUE);
	require(cursor, plan->log.memory_bytes >= LOG_MEMORY_MINIMUM && plan->log.memory_bytes <= INT64_MAX, PLAN_VALUE);
	require(cursor, plan->log.spill_bytes <= INT64_MAX, PLAN_VALUE);
	require(cursor, plan->log.spill == PLAN_NO_SOURCE || is_source(plan->log.spill), PLAN_VALUE);
	require(cursor, (plan->log.spill == PLAN_NO_SOURCE) == (plan->log.spill_bytes == 0), PLAN_COMBINATION);
}

enum { JOB = 1, HOSTNAME = 3, ID_RANGE = 5, IDMAP = 18, LOG = 19, RECORD_TYPES_END = 20 };

static const struct record_kind {
	uint32_t minimum, maximum;
	void (*parse)(struct cursor *, struct plan *);
} RECORDS[RECORD_TYPES_END] = {
	[JOB] = {1, 1, parse_job},
	[2] = {1, 1, parse_namespaces},
	[HOSTNAME] = {0, 1, parse_hostname},
	[4] = {1, 1, parse_credentials},
	[ID_RANGE] = {0, ID_RANGES_MAXIMUM, parse_id_range},
	[6] = {1, MOUNTS_MAXIMUM, parse_mount},
	[7] = {0, DEVICES_MAXIMUM, parse_device},
	[8] = {0, LIMITS_MAXIMUM, parse_limit},
	[9] = {0, RLIMITS_MAXIMUM, parse_rlimit},
	[10] = {0, ENVIRONMENT_MAXIMUM, parse_environment},
	[11] = {1, ARGUMENTS_MAXIMUM, parse_argument},
	[12] = {1, 1, parse_work_directory},
	[13] = {0, 1, parse_seccomp},
	[14] = {1, 1, parse_times},
	[15] = {1, 1, parse_scheduling},
	[16] = {0, 1, parse_landlock},
	[17] = {0, 1, parse_input},
	[IDMAP] = {0, IDMAPS_MAXIMUM, parse_idmap},
	[LOG] = {1, 1, parse_log},
};

static bool refuse(struct plan_error *error, enum plan_fault fault, uint32_t record, size_t offset)
{
	*error = (struct plan_error){.fault = fault, .record = record, .offset = offset};
	return false;
}

struct header {
	char magic[8];
	uint32_t version, size, records, reserved;
	uint8_t build[BUILD_ID_BYTES];
	uint64_t reserved_too;
};
static_assert(sizeof(struct header) == PLAN_HEADER_BYTES, "the header is read as it lies");

bool plan_parse_header(const uint8_t bytes[PLAN_HEADER_BYTES], const uint8_t build[BUILD_ID_BYTES], size_t *size,
		       struct plan_error *error)
{
	struct header header;
	enum plan_fault fault = 0;

	memcpy(&header, bytes, sizeof header);
	if (memcmp(header.magic, MAGIC, sizeof header.magic) != 0)
		fault = PLAN_FOREIGN;
	else if (header.version != PLAN_VERSION)
		fault = PLAN_OTHER_VERSION;
	else if (header.size < PLAN_HEADER_BYTES)
		fault = PLAN_TRUNCATED;
	else if (header.size > PLAN_BYTES_MAXIMUM)
		fault = PLAN_OVERSIZED;
	else if (header.records < 1 || header.records > PLAN_RECORDS_MAXIMUM)
		fault = PLAN_RECORD_COUNT;
	else if (header.reserved != 0 || header.reserved_too != 0)
		fault = PLAN_RESERVED;
	else if (memcmp(header.build, build, BUILD_ID_BYTES) != 0)
		fault = PLAN_OTHER_BUILD;
	*size = header.size;
	return fault == 0 || refuse(error, fault, 0, 0);
}

/* Takes one record with its padding. On failure the cursor says why, and *type and the cursor's place say where. */
static void parse_record(struct cursor *plan_bytes, uint32_t counts[RECORD_TYPES_END], struct plan *plan, uint32_t *type)
{
	uint32_t head = take_u32(plan_bytes);
	size_t size = take_u32(plan_bytes);
	const uint8_t *payload = take(plan_bytes, size);
	const uint8_t *padding = take(plan_bytes, -size % RECORD_ALIGNMENT);
	struct cursor cursor;

	*type = head & 0xffff;
	require(plan_bytes, head >> 16 == 0, PLAN_RESERVED);
	require(plan_bytes, *type >= JOB && *type < RECORD_TYPES_END && RECORDS[*type].parse, PLAN_UNKNOWN_RECORD);
	for (size_t i = 0; plan_bytes->fault == 0 && i < -size % RECORD_ALIGNMENT; i++)
		require(plan_bytes, padding[i] == 0, PLAN_PADDING);
	if (plan_bytes->fault != 0)
		return;
	if (counts[*type]++ >= RECORDS[*type].maximum) {
		fail(plan_bytes, PLAN_TOO_MANY);
		return;
	}
	cursor = (struct cursor){.at = payload, .end = payload + size};
	RECORDS[*type].parse(&cursor, plan);
	require(&cursor, cursor.at == cursor.end, PLAN_TRAILING);
	require(plan_bytes, cursor.fault == 0, cursor.fault);
}

static bool has_kind(const struct plan_id_range *ranges, uint32_t count, enum plan_id_kind kind)
{
	for (uint32_t i = 0; i < count; i++)
		if (ranges[i].kind == kind)
			return true;
	return false;
}

static bool has_both_kinds(const struct plan_id_range *ranges, uint32_t count)
{
	return has_kind(ranges, count, ID_USER) && has_kind(ranges, count, ID_GROUP);
}

static bool has_idmapped_mount(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->mount_count; i++)
		if (plan->mounts[i].attributes & ATTRIBUTE_IDMAPPED)
			return true;
	return false;
}

/* What no record can know by itself. */
static bool check_whole(const struct plan *plan, const uint32_t counts[RECORD_TYPES_END], struct plan_error *error)
{
	bool user = plan->namespaces & NAMESPACE_USER;

	for (uint32_t type = JOB; type < RECORD_TYPES_END; type++)
		if (counts[type] < RECORDS[type].minimum)
			return refuse(error, PLAN_MISSING, type, 0);
	if (plan->hostname && !(plan->namespaces & NAMESPACE_UTS))
		return refuse(error, PLAN_COMBINATION, HOSTNAME, 0);
	if (!user && plan->id_range_count > 0)
		return refuse(error, PLAN_COMBINATION, ID_RANGE, 0);
	if (user && !has_both_kinds(plan->id_ranges, plan->id_range_count))
		return refuse(error, PLAN_MISSING, ID_RANGE, 0);
	if (has_idmapped_mount(plan) && !has_both_kinds(plan->idmaps, plan->idmap_count))
		return refuse(error, PLAN_MISSING, IDMAP, 0);
	return true;
}

bool plan_parse(const uint8_t *bytes, size_t size, const uint8_t build[BUILD_ID_BYTES], struct plan *plan,
		struct plan_error *error)
{
	struct cursor cursor = {.at = bytes + PLAN_HEADER_BYTES, .end = bytes + size};
	uint32_t counts[RECORD_TYPES_END] = {0};
	uint32_t records;
	size_t announced;

	if (size < PLAN_HEADER_BYTES)
		return refuse(error, PLAN_TRUNCATED, 0, size);
	if (!plan_parse_header(bytes, build, &announced, error))
		return false;
	if (announced != size)
		return refuse(error, announced > size ? PLAN_TRUNCATED : PLAN_OVERSIZED, 0, size);
	memcpy(&records, bytes + offsetof(struct header, records), sizeof records);
	for (uint32_t i = 0; i < records; i++) {
		size_t offset = (size_t)(cursor.at - bytes);
		uint32_t type;

		parse_record(&cursor, counts, plan, &type);
		if (cursor.fault != 0)
			return refuse(error, cursor.fault, type, offset);
	}
	if (left(&cursor) != 0)
		return refuse(error, PLAN_TRAILING, 0, (size_t)(cursor.at - bytes));
	return check_whole(plan, counts, error);
}
