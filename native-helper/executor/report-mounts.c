/* The report's lines about mounts: every mount that the plan asks for is there, as asked, and there is no other. */
#define _GNU_SOURCE
#include "report.h"

#include "files.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOUNTINFO_BYTES = 16 * 1024 * 1024, WORDS_BYTES = 512 };

/* One line of /proc/<pid>/mountinfo (proc_pid_mountinfo(5)). */
struct mount_entry {
	const char *target, *options, *propagation, *type, *super_options;
};

struct comparison {
	struct report *report;
	const struct report_subject *subject;
	const struct plan *plan;
	bool seen[MOUNTS_MAXIMUM];
	bool device_seen[DEVICES_MAXIMUM];
};

/* Blank, tab, newline and backslash in paths are written as three octal digits. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Cuts a line into its fields, in place. False when it isn't a line of mountinfo. */
static bool parse_entry(char *line, struct mount_entry *entry)
{
	char *fields[6], *separator = strstr(line, " - "), *rest;

	if (!separator)
		return false;
	*separator = '\0';
	rest = separator + 3;
	for (int i = 0; i < 6; i++)
		if (!(fields[i] = strsep(&line, " ")))
			return false;
	unescape(fields[4]);
	entry->target = fields[4];
	entry->options = fields[5];
	entry->propagation = line ? line : "";
	entry->type = strsep(&rest, " ");
	strsep(&rest, " "); /* the source */
	entry->super_options = rest ? rest : "";
	return true;
}

/* The text behind `name` in a list with commas; NULL when it isn't there. */
static const char *find_option(const char *options, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0' || name[length - 1] == '='))
			return at + length;
	}
	return NULL;
}

static const struct {
	uint32_t attribute;
	const char *option;
} OPTIONS[] = {
	{ATTRIBUTE_READ_ONLY, "ro"},
	{ATTRIBUTE_NOSUID, "nosuid"},
	{ATTRIBUTE_NODEV, "nodev"},
	{ATTRIBUTE_NOEXEC, "noexec"},
	{ATTRIBUTE_IDMAPPED, "idmapped"},
};
enum { OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };

static bool has_attributes(const struct mount_entry *entry, uint32_t attributes)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (attributes & OPTIONS[i].attribute && !find_option(entry->options, OPTIONS[i].option))
			return false;
	return true;
}

static void add_attributes(struct text *text, uint32_t attributes)
{
	const char *before = " ";

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!(attributes & OPTIONS[i].attribute))
			continue;
		text_add(text, before);
		text_add(text, OPTIONS[i].option);
		before = ",";
	}
}

static const struct {
	const char *name, *type; /* type NULL: that of the source */
	uint32_t attributes;	 /* that the kind has by itself */
} KINDS[MOUNT_KINDS_END] = {
	[MOUNT_BIND] = {"bind", NULL, 0},	 [MOUNT_TMPFS] = {"tmpfs", "tmpfs", 0},	  [MOUNT_PROC] = {"proc", "proc", 0},
	[MOUNT_DEVPTS] = {"devpts", "devpts", 0}, [MOUNT_MQUEUE] = {"mqueue", "mqueue", 0}, [MOUNT_MASK] = {"mask", NULL, 0},
	[MOUNT_READ_ONLY] = {"read-only", NULL, ATTRIBUTE_READ_ONLY},
};

static bool is_mount(const struct plan_mount *mount)
{
	return KINDS[mount->kind].name != NULL;
}

static bool may_be_absent(const struct plan_mount *mount)
{
	return mount->kind == MOUNT_MASK || mount->kind == MOUNT_READ_ONLY;
}

/* tmpfs counts in pages, and does not mention a size that happens to be its default. */
static bool has_size(const struct mount_entry *entry, const struct plan_mount *mount)
{
	const char *size = find_option(entry->super_options, "size=");
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), kibibytes = 0;

	if (mount->kind != MOUNT_TMPFS || !size)
		return true;
	for (; *size >= '0' && *size <= '9'; size++)
		kibibytes = kibibytes * 10 + (uint64_t)(*size - '0');
	return *size == 'k' && kibibytes == ((mount->size - 1) / page + 1) * (page / 1024);
}

static void describe_asked(struct text *text, const struct plan_mount *mount)
{
	text_add(text, KINDS[mount->kind].name);
	add_attributes(text, mount->attributes | KINDS[mount->kind].attributes);
	if (mount->kind == MOUNT_TMPFS) {
		text_add(text, " size=");
		text_add_unsigned(text, mount->size / 1024);
		text_add(text, "k");
	}
}

static void describe_found(struct text *text, const struct mount_entry *entry)
{
	const char *size = find_option(entry->super_options, "size=");

	text_add(text, entry->type);
	text_add(text, " ");
	text_add(text, entry->options);
	if (size) {
		text_add(text, " size=");
		text_add_bytes(text, size, strcspn(size, ","));
	}
	if (entry->propagation[0] != '\0') {
		text_add(text, " ");
		text_add(text, entry->propagation);
	}
}

/* No propagation: what is mounted later on one side must not show on the other. */
static bool is_as_asked(const struct mount_entry *entry, const struct plan_mount *mount)
{
	const char *type = KINDS[mount->kind].type;

	return has_attributes(entry, mount->attributes | KINDS[mount->kind].attributes) && has_size(entry, mount) &&
	       (!type || strcmp(type, entry->type) == 0) && entry->propagation[0] == '\0';
}

static void compare_mount(struct comparison *comparison, const struct mount_entry *entry, const struct plan_mount *mount)
{
	char ask[WORDS_BYTES], say[WORDS_BYTES];
	struct text asked = TEXT_IN(ask), kernel = TEXT_IN(say);

	describe_asked(&asked, mount);
	describe_found(&kernel, entry);
	report_line(comparison->report, "mount", entry->target, text_string(&asked), text_string(&kernel),
		    is_as_asked(entry, mount));
}

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* A recursive bind brings the mounts below it along; they have its attributes too. */
static const struct plan_mount *find_carrier(const struct plan *plan, const char *target)
{
	for (uint32_t i = 0; i < plan->mount_count; i++) {
		const struct plan_mount *mount = &plan->mounts[i];
		bool carries = mount->kind == MOUNT_READ_ONLY || mount->attributes & ATTRIBUTE_RECURSIVE;

		if (carries && is_below(target, mount->target))
			return mount;
	}
	return NULL;
}

/* @returns the first mount of the plan at this target that no earlier line has answered. */
static const struct plan_mount *take_asked(struct comparison *comparison, const char *target)
{
	const struct plan *plan = comparison->plan;

	for (uint32_t i = 0; i < plan->mount_count; i++) {
		if (comparison->seen[i] || !is_mount(&plan->mounts[i]) || strcmp(plan->mounts[i].target, target) != 0)
			continue;
		comparison->seen[i] = true;
		return &plan->mounts[i];
	}
	return NULL;
}

/* In a user namespace devices are binds of the host's nodes. */
static bool take_device(struct comparison *comparison, const char *target)
{
	const struct plan *plan = comparison->plan;

	for (uint32_t i = 0; plan->namespaces & NAMESPACE_USER && i < plan->device_count; i++) {
		if (comparison->device_seen[i] || strcmp(plan->devices[i].path, target) != 0)
			continue;
		comparison->device_seen[i] = true;
		return true;
	}
	return false;
}

static void compare_entry(struct comparison *comparison, const struct mount_entry *entry)
{
	const struct plan_mount *mount = take_asked(comparison, entry->target);
	const struct plan_mount *carrier = mount ? NULL : find_carrier(comparison->plan, entry->target);
	char say[WORDS_BYTES];
	struct text kernel = TEXT_IN(say);

	if (mount || carrier) {
		compare_mount(comparison, entry, mount ? mount : carrier);
		return;
	}
	if (take_device(comparison, entry->target))
		return;
	describe_found(&kernel, entry);
	report_line(comparison->report, "mount", entry->target, "nothing", text_string(&kernel), false);
}

/* A mask for a file that this kernel doesn't have covers nothing; for one that it has, it must be there. */
static bool is_absent(const struct report_subject *subject, const char *path)
{
	int found = report_open(subject, path);

	if (found >= 0)
		close(found);
	return found < 0 && errno == ENOENT;
}

static void compare_missing(struct comparison *comparison)
{
	for (uint32_t i = 0; i < comparison->plan->mount_count; i++) {
		const struct plan_mount *mount = &comparison->plan->mounts[i];
		char ask[WORDS_BYTES];
		struct text asked = TEXT_IN(ask);
		bool absent;

		if (comparison->seen[i] || !is_mount(mount))
			continue;
		describe_asked(&asked, mount);
		absent = may_be_absent(mount) && is_absent(comparison->subject, mount->target);
		report_line(comparison->report, "mount", mount->target, text_string(&asked),
			    absent ? "this kernel has no such path" : "missing", absent);
	}
}

void report_mounts(struct report *report, const struct report_subject *subject)
{
	static struct comparison comparison;
	char *mountinfo = mmap(NULL, MOUNTINFO_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *rest = mountinfo, *line;

	if (mountinfo == MAP_FAILED || file_read(subject->process, "mountinfo", mountinfo, MOUNTINFO_BYTES) < 0) {
		report_line(report, "mount", "mountinfo", "readable", error_name(errno), false);
		return;
	}
	comparison = (struct comparison){.report = report, .subject = subject, .plan = subject->plan};
	while ((line = strsep(&rest, "\n"))) {
		struct mount_entry entry;

		if (parse_entry(line, &entry))
			compare_entry(&comparison, &entry);
		else if (*line != '\0')
			report_line(report, "mount", "mountinfo", "understood", line, false);
	}
	compare_missing(&comparison);
	munmap(mountinfo, MOUNTINFO_BYTES);
}
