/*
 * System calls that musl has no wrapper for. <linux/mount.h> and glibc's <sys/mount.h>, which the sanitizers' build has, can't be
 * included together, so everything about mounts comes from the kernel's header and from here.
 */
#ifndef JOBLET_SYS_H
#define JOBLET_SYS_H

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SYS_MNT_DETACH = 2 }; /* umount2(2) */

static inline long sys_clone3(struct clone_args *arguments)
{
	return syscall(SYS_clone3, arguments, sizeof *arguments);
}

static inline int sys_openat2(int folder, const char *path, struct open_how *how)
{
	return (int)syscall(SYS_openat2, folder, path, how, sizeof *how);
}

/* By the effective ids, of what the descriptor leads to. */
static inline int sys_faccessat2(int folder, const char *path, int mode)
{
	return (int)syscall(SYS_faccessat2, folder, path, mode, AT_EACCESS | AT_EMPTY_PATH);
}

static inline int sys_open_tree(int folder, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, folder, path, flags);
}

static inline int sys_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int sys_mount_setattr(int folder, const char *path, unsigned int flags, struct mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, folder, path, flags, attributes, sizeof *attributes);
}

static inline int sys_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig(int context, unsigned int command, const char *key, const void *value)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, 0);
}

static inline int sys_fsmount(int context, unsigned int attributes)
{
	return (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
}

static inline int sys_pivot_root(const char *new_root, const char *old_root)
{
	return (int)syscall(SYS_pivot_root, new_root, old_root);
}

static inline int sys_umount2(const char *path, int flags)
{
	return (int)syscall(SYS_umount2, path, flags);
}

static inline int sys_close_range(unsigned int first, unsigned int last)
{
	return (int)syscall(SYS_close_range, first, last, 0);
}

enum { KERNEL_SIGNALS = 64 };

/* sigfillset(3) leaves out those that the C library keeps for its threads: 32 and 33, in musl 34 too. */
static inline void sys_block_all_signals(void)
{
	static const uint64_t ALL = ~0ULL;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &ALL, NULL, KERNEL_SIGNALS / 8);
}

/* As signal(number, SIG_DFL), which refuses those of the C library: they too are inherited when they are ignored. */
static inline void sys_default_action(int number)
{
	static const uint64_t DEFAULT[4]; /* handler, flags, restorer, mask; SIG_DFL is 0 */

	syscall(SYS_rt_sigaction, number, DEFAULT, NULL, KERNEL_SIGNALS / 8);
}

static inline int sys_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

#endif
