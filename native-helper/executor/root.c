#define _GNU_SOURCE
#include "root.h"

#include "layer.h"
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { PROPAGATION_PRIVATE = 1 << 18, PATH_BYTES = PLAN_PATH_MAXIMUM + 1 };

/*
 * The folder of the target before, kept open because most of a plan's targets are neighbours. It never goes stale: what is mounted
 * on the folder itself has a target with another parent.
 */
struct builder {
	int root;
	int parent;
	char parent_path[PATH_BYTES];
	struct failure *failure;
};

/* A target's folder and name in it. */
struct place {
	int folder;
	const char *name;
};

static bool mount_failed(struct builder *builder, const char *operation, const char *object)
{
	return failed(builder->failure, "mount", operation, object);
}

/*
 * Walks to a folder of the new root component by component, never through a link: what a bind shows may hold links that
 * its owner placed. Missing folders are made if `make`. @returns −1 with errno when it can't be reached.
 */
static int walk(int root, const char *path, bool make)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC | (LAYER("no-follow") ? O_NOFOLLOW : 0);
	char name[NAME_MAX + 1];
	int folder = root;

	while (*path == '/')
		path++;
	while (*path) {
		size_t length = strcspn(path, "/");
		int next;

		if (length > NAME_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		path += length + (path[length] == '/');
		next = openat(folder, name, flags);
		if (next < 0 && errno == ENOENT && make && mkdirat(folder, name, 0755) == 0)
			next = openat(folder, name, flags);
		if (folder != root) {
			int error = errno;

			close(folder);
			errno = error;
		}
		if (next < 0)
			return -1;
		folder = next;
	}
	return folder;
}

static bool find_place(struct builder *builder, const char *target, bool make, struct place *place)
{
	size_t length = (size_t)(strrchr(target, '/') - target);

	place->name = target + length + 1;
	if (builder->parent < 0 || strlen(builder->parent_path) != length ||
	    memcmp(builder->parent_path, target, length) != 0) {
		if (builder->parent >= 0 && builder->parent != builder->root)
			close(builder->parent);
		memcpy(builder->parent_path, target, length);
		builder->parent_path[length] = '\0';
		builder->parent = walk(builder->root, builder->parent_path, make);
	}
	place->folder = builder->parent;
	return builder->parent >= 0;
}

/* A mount point has to be there first; over a bind it may be already. */
static bool make_mount_point(const struct place *place, bool file)
{
	int result = file ? mknodat(place->folder, place->name, S_IFREG | 0644, 0) : mkdirat(place->folder, place->name, 0755);

	return result == 0 || errno == EEXIST;
}

static bool attach(struct builder *builder, int mount, const char *target, bool file)
{
	struct place place;

	if (!find_place(builder, target, true, &place) || !make_mount_point(&place, file))
		return mount_failed(builder, file ? "mknod" : "mkdir", target);
	return sys_move_mount(mount, "", place.folder, place.name, MOVE_MOUNT_F_EMPTY_PATH) == 0 ||
	       mount_failed(builder, "move_mount", target);
}

/* @returns a new file system that is mounted nowhere yet, or −1. `options` are name and value by turns, NULL at the end. */
static int make_filesystem(struct builder *builder, const char *type, const char *const options[], uint64_t attributes,
			   const char *target)
{
	int context = sys_fsopen(type);
	int mount = -1;

	if (context < 0) {
		mount_failed(builder, "fsopen", type);
		return -1;
	}
	for (; *options; options += 2) {
		unsigned int command = options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (sys_fsconfig(context, command, options[0], options[1]) < 0) {
			mount_failed(builder, "fsconfig", options[0]);
			goto out;
		}
	}
	if (sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) < 0) {
		mount_failed(builder, "fsconfig create", target);
		goto out;
	}
	mount = sys_fsmount(context, (unsigned int)attributes);
	if (mount < 0)
		mount_failed(builder, "fsmount", target);
out:
	close(context);
	return mount;
}

static const char *number_text(char *buffer, size_t capacity, uint64_t value, unsigned base)
{
	struct text text = {.buffer = buffer, .capacity = capacity, .fd = -1};

	text_add_digits(&text, value, base, 1);
	return text_string(&text);
}

/* Read-only comes at the end, in seal_tmpfs: what is mounted below needs its mount points first. */
static int make_tmpfs(struct builder *builder, const struct plan_mount *mount)
{
	char size[24], mode[24], uid[24], gid[24];
	const char *options[] = {
		"size", number_text(size, sizeof size, mount->size, 10),
		"mode", number_text(mode, sizeof mode, mount->mode, 8),
		"uid",  number_text(uid, sizeof uid, mount->uid, 10),
		"gid",  number_text(gid, sizeof gid, mount->gid, 10),
		NULL,
	};
	uint64_t attributes = mount_attributes(mount->attributes & ~(uint32_t)ATTRIBUTE_READ_ONLY);

	return make_filesystem(builder, "tmpfs", options, attributes, mount->target);
}

/* A devpts of its own, so that a job sees no terminal but those it opened; gid 5 is `tty` everywhere. */
static int make_special(struct builder *builder, const struct plan_mount *mount)
{
	static const char *const NONE[] = {NULL};
	static const char *const DEVPTS[] = {"newinstance", NULL, "ptmxmode", "0666", "mode", "0620", NULL};
	uint64_t attributes = mount_attributes(mount->attributes);

	switch (mount->kind) {
	case MOUNT_PROC:
		return make_filesystem(builder, "proc", NONE, attributes, mount->target);
	case MOUNT_DEVPTS:
		return make_filesystem(builder, "devpts", DEVPTS, attributes, mount->target);
	default:
		return make_filesystem(builder, "mqueue", NONE, attributes, mount->target);
	}
}

static bool attach_and_close(struct builder *builder, int mount, const struct plan_mount *plan)
{
	bool attached = mount >= 0 && attach(builder, mount, plan->target, false);

	if (mount >= 0)
		close(mount);
	return attached;
}

static bool make_file(struct builder *builder, const struct place *place, const struct plan_mount *mount)
{
	int file = openat(place->folder, place->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mount->mode);
	struct text content = {.buffer = (char *)mount->data, .capacity = mount->data_bytes, .length = mount->data_bytes, .fd = file};
	bool written;

	if (file < 0)
		return mount_failed(builder, "open", mount->target);
	written = text_flush(&content);
	errno = content.error;
	if (!written)
		mount_failed(builder, "write", mount->target);
	close(file);
	return written;
}

static bool make_link(struct builder *builder, const struct place *place, const struct plan_mount *mount)
{
	char leads_to[PATH_BYTES];

	memcpy(leads_to, mount->data, mount->data_bytes);
	leads_to[mount->data_bytes] = '\0';
	return symlinkat(leads_to, place->folder, place->name) == 0 || mount_failed(builder, "symlink", mount->target);
}

static bool make_entry(struct builder *builder, const struct plan_mount *mount)
{
	struct place place;

	if (!find_place(builder, mount->target, true, &place))
		return mount_failed(builder, "mkdir", mount->target);
	if (mount->kind == MOUNT_FILE)
		return make_file(builder, &place, mount);
	if (mount->kind == MOUNT_SYMLINK)
		return make_link(builder, &place, mount);
	return mkdirat(place.folder, place.name, mount->mode) == 0 || mount_failed(builder, "mkdir", mount->target);
}

static bool build_mount(struct builder *builder, const struct plan_mount *mount, int detached)
{
	switch (mount->kind) {
	case MOUNT_BIND:
		return attach(builder, detached, mount->target, mount->attributes & ATTRIBUTE_FILE);
	case MOUNT_TMPFS:
		return attach_and_close(builder, make_tmpfs(builder, mount), mount);
	case MOUNT_PROC:
	case MOUNT_DEVPTS:
	case MOUNT_MQUEUE:
		return attach_and_close(builder, make_special(builder, mount), mount);
	case MOUNT_DIRECTORY:
	case MOUNT_FILE:
	case MOUNT_SYMLINK:
		return make_entry(builder, mount);
	default:
		return true; /* covers: their turn comes when everything that they cover is there */
	}
}

static bool make_device(struct builder *builder, const struct plan_device *device, int detached)
{
	mode_t type = device->type == DEVICE_BLOCK ? S_IFBLK : S_IFCHR;
	struct place place;

	if (detached >= 0)
		return attach(builder, detached, device->path, true);
	if (!find_place(builder, device->path, true, &place))
		return failed(builder->failure, "device", "mkdir", device->path);
	return mknodat(place.folder, place.name, type | device->mode, makedev(device->major, device->minor)) == 0 ||
	       failed(builder->failure, "device", "mknod", device->path);
}

/* A detached mount that covers the place: a copy of the job's own /dev/null, or an empty folder. */
static int open_cover(struct builder *builder, bool folder)
{
	static const char *const OPTIONS[] = {"size", "4096", "mode", "0555", "nr_inodes", "1", NULL};
	const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

	if (!folder)
		return sys_open_tree(builder->root, "dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	return make_filesystem(builder, "tmpfs", OPTIONS, attributes, "an empty folder");
}

static bool cover(struct builder *builder, const struct place *place, const struct plan_mount *mount, bool folder)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	int tree;

	if (mount->kind == MOUNT_MASK)
		tree = open_cover(builder, folder);
	else
		tree = sys_open_tree(place->folder, place->name,
				     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);
	if (tree < 0)
		return mount_failed(builder, "open_tree", mount->target);
	if (mount->kind == MOUNT_READ_ONLY && sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only) < 0)
		return mount_failed(builder, "mount_setattr", mount->target);
	if (sys_move_mount(tree, "", place->folder, place->name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return mount_failed(builder, "move_mount", mount->target);
	close(tree);
	return true;
}

/* Masks and read-only paths. Not every kernel has every file of /proc: what is absent needs no cover. */
static bool build_cover(struct builder *builder, const struct plan_mount *mount)
{
	struct place place;
	struct stat found;

	if (!LAYER("proc-masks"))
		return true;
	if (!find_place(builder, mount->target, false, &place) ||
	    fstatat(place.folder, place.name, &found, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || mount_failed(builder, "stat", mount->target);
	if (S_ISLNK(found.st_mode)) {
		errno = ELOOP;
		return mount_failed(builder, "stat", mount->target);
	}
	return cover(builder, &place, mount, S_ISDIR(found.st_mode));
}

static bool seal_tmpfs(struct builder *builder, const struct plan_mount *mount)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	int folder;

	if (mount->kind != MOUNT_TMPFS || !(mount->attributes & ATTRIBUTE_READ_ONLY) || !LAYER("read-only"))
		return true;
	folder = walk(builder->root, mount->target, false);
	if (folder < 0 || sys_mount_setattr(folder, "", AT_EMPTY_PATH, &read_only) < 0)
		return mount_failed(builder, "mount_setattr", mount->target);
	if (folder != builder->root)
		close(folder);
	return true;
}

static bool build_all(struct builder *builder, const struct plan *plan, const struct sources *sources)
{
	const struct plan_mount *mounts = plan->mounts;

	for (uint32_t i = 1; i < plan->mount_count; i++)
		if (!build_mount(builder, &mounts[i], sources->detached[i]))
			return false;
	for (uint32_t i = 0; i < plan->device_count; i++)
		if (!make_device(builder, &plan->devices[i], sources->devices[i]))
			return false;
	for (uint32_t i = 1; i < plan->mount_count; i++)
		if ((mounts[i].kind == MOUNT_MASK || mounts[i].kind == MOUNT_READ_ONLY) && !build_cover(builder, &mounts[i]))
			return false;
	for (uint32_t i = 0; i < plan->mount_count; i++)
		if (!seal_tmpfs(builder, &mounts[i]))
			return false;
	return true;
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one, and is detached from there. */
static bool enter(struct builder *builder)
{
	int outside = LAYER("working-directory") ? -1 : open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fchdir(builder->root) < 0)
		return mount_failed(builder, "fchdir", "/");
	if (sys_pivot_root(".", ".") < 0)
		return mount_failed(builder, "pivot_root", "/");
	if (sys_umount2(".", SYS_MNT_DETACH) < 0)
		return mount_failed(builder, "umount2", "the host's root");
	if (!LAYER("working-directory"))
		return fchdir(outside) == 0;
	return chdir("/") == 0 || mount_failed(builder, "chdir", "/");
}

bool root_build(const struct plan *plan, const struct sources *sources, struct failure *failure)
{
	struct mount_attr cut_off = {.propagation = PROPAGATION_PRIVATE};
	struct builder builder = {.parent = -1, .failure = failure};

	/* Nothing that is done here may show in the host, which shares its mounts on systemd machines. */
	if (sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &cut_off) < 0)
		return mount_failed(&builder, "mount_setattr private", "/");
	builder.root = make_tmpfs(&builder, &plan->mounts[0]);
	if (builder.root < 0)
		return false;
	/* pivot_root(2) wants a mount that hangs somewhere, and moving others below it does too. */
	if (sys_move_mount(builder.root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return mount_failed(&builder, "move_mount", "/");
	return build_all(&builder, plan, sources) && enter(&builder);
}
