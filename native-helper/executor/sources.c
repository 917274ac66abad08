#define _GNU_SOURCE
#include "sources.h"

#include "idmap.h"
#include "layer.h"
#include "sys.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* MS_PRIVATE of mount(2), whose header can't be included beside <linux/mount.h>'s in every libc. */
enum { PROPAGATION_PRIVATE = 1 << 18 };

uint64_t mount_attributes(uint32_t plan_attributes)
{
	uint64_t attributes = 0;

	if (plan_attributes & ATTRIBUTE_READ_ONLY && LAYER("read-only"))
		attributes |= MOUNT_ATTR_RDONLY;
	if (plan_attributes & ATTRIBUTE_NOSUID && LAYER("no-new-privs")) /* each alone would hide that the other is missing */
		attributes |= MOUNT_ATTR_NOSUID;
	if (plan_attributes & ATTRIBUTE_NODEV && LAYER("nodev"))
		attributes |= MOUNT_ATTR_NODEV;
	if (plan_attributes & ATTRIBUTE_NOEXEC)
		attributes |= MOUNT_ATTR_NOEXEC;
	return attributes;
}

/* EINVAL is what a file system says that knows no idmapped mounts. */
static bool map_ids(const struct plan_mount *mount, int detached, int idmap, struct failure *failure)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)idmap};

	if (!(mount->attributes & ATTRIBUTE_IDMAPPED) || !LAYER("idmap") ||
	    sys_mount_setattr(detached, "", AT_EMPTY_PATH, &attributes) == 0)
		return true;
	return errno == EINVAL ? refused(failure, "idmap", "mount_setattr", mount->target,
					 "the source lies on a file system that can't show files as another user's")
			       : failed(failure, "idmap", "mount_setattr", mount->target);
}

static bool detach(const struct plan_mount *mount, int idmap, int *detached, struct failure *failure)
{
	unsigned int depth = mount->attributes & ATTRIBUTE_RECURSIVE ? AT_RECURSIVE : 0;
	struct mount_attr attributes = {
		.attr_set = mount_attributes(mount->attributes),
		.propagation = PROPAGATION_PRIVATE,
	};

	*detached = sys_open_tree(mount->source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | depth);
	if (*detached < 0)
		return failed(failure, "mount", "open_tree", mount->target);
	if (!map_ids(mount, *detached, idmap, failure))
		return false;
	return sys_mount_setattr(*detached, "", AT_EMPTY_PATH | depth, &attributes) == 0 ||
	       failed(failure, "mount", "mount_setattr", mount->target);
}

/*
 * In a user namespace mknod(2) gives nodes that can't be opened, so there the host's own node is shown, if it is what the plan says.
 */
static bool detach_device(const struct plan_device *device, int *detached, struct failure *failure)
{
	mode_t type = device->type == DEVICE_BLOCK ? S_IFBLK : S_IFCHR;
	struct stat found;

	*detached = sys_open_tree(AT_FDCWD, device->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (*detached < 0 || fstat(*detached, &found) < 0)
		return failed(failure, "device", "open_tree", device->path);
	return ((found.st_mode & S_IFMT) == type && found.st_rdev == makedev(device->major, device->minor)) ||
	       refused(failure, "device", "fstat", device->path, "the host has another device there");
}

bool sources_detach(const struct plan *plan, struct sources *sources, struct failure *failure)
{
	int idmap = plan->idmap_count > 0 ? idmap_open(plan, failure) : NO_DESCRIPTOR;

	if (plan->idmap_count > 0 && idmap < 0)
		return false;
	for (uint32_t i = 0; i < plan->mount_count; i++) {
		sources->detached[i] = NO_DESCRIPTOR;
		if (plan->mounts[i].kind == MOUNT_BIND && !detach(&plan->mounts[i], idmap, &sources->detached[i], failure))
			return false;
	}
	for (uint32_t i = 0; i < plan->device_count; i++) {
		sources->devices[i] = NO_DESCRIPTOR;
		if (plan->namespaces & NAMESPACE_USER && !detach_device(&plan->devices[i], &sources->devices[i], failure))
			return false;
	}
	if (idmap >= 0)
		close(idmap);
	return true;
}

void sources_close(const struct plan *plan, const struct sources *sources)
{
	for (uint32_t i = 0; i < plan->mount_count; i++)
		if (sources->detached[i] >= 0)
			close(sources->detached[i]);
	for (uint32_t i = 0; i < plan->device_count; i++)
		if (sources->devices[i] >= 0)
			close(sources->devices[i]);
}
