/* Each asks for one call whose arguments the kernel answers otherwise than a filter would: what it says tells how far the call came. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SYS_FCHMODAT2 = 452, SYS_QUOTACTL_FD = 443, CONSOLE_LEVEL = 8, X32 = 0x40000000, NETLINK_AUDIT = 9, USER_MODE_ONLY = 1 };

/* No more than the low half of a request reaches the kernel (CVE-2019-10063). */
static const unsigned long HIGH_HALF = 1UL << 32;

static const struct call {
	const char *name;
	long number;
	long arguments[6];
} CALLS[] = {
	{ "io_uring_setup", SYS_io_uring_setup, { 0 } },
	{ "io_uring_enter", SYS_io_uring_enter, { -1 } },
	{ "io_uring_register", SYS_io_uring_register, { -1 } },
	{ "userfaultfd", SYS_userfaultfd, { USER_MODE_ONLY } },
	{ "bpf", SYS_bpf, { BPF_OBJ_GET_INFO_BY_FD } },
	{ "perf_event_open", SYS_perf_event_open, { 0, 0, -1, -1 } },
	{ "keyctl", SYS_keyctl, { KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING } },
	{ "add_key", SYS_add_key, { 0 } },
	{ "request_key", SYS_request_key, { 0 } },
	{ "ptrace", SYS_ptrace, { PTRACE_TRACEME } },
	{ "pidfd_getfd", SYS_pidfd_getfd, { -1, -1 } },
	{ "process_vm_readv", SYS_process_vm_readv, { 0 } },
	{ "process_vm_writev", SYS_process_vm_writev, { 0 } },
	{ "move_pages", SYS_move_pages, { -1, 0, 0, 0, 0, ~0L } },
	{ "mount", SYS_mount, { 0 } },
	{ "umount2", SYS_umount2, { 0 } },
	{ "pivot_root", SYS_pivot_root, { 0 } },
	{ "chroot", SYS_chroot, { 0 } },
	{ "open_tree", SYS_open_tree, { -1, 0, OPEN_TREE_CLONE } },
	{ "move_mount", SYS_move_mount, { -1, 0, -1 } },
	{ "fsopen", SYS_fsopen, { 0 } },
	{ "fsmount", SYS_fsmount, { -1 } },
	{ "fspick", SYS_fspick, { -1 } },
	{ "mount_setattr", SYS_mount_setattr, { -1 } },
	{ "swapon", SYS_swapon, { 0 } },
	{ "swapoff", SYS_swapoff, { 0 } },
	{ "acct", SYS_acct, { -1 } },
	{ "quotactl", SYS_quotactl, { -1 } },
	{ "quotactl_fd", SYS_QUOTACTL_FD, { -1, -1 } },
	{ "syslog", SYS_syslog, { CONSOLE_LEVEL, 0, 99 } },
	{ "settimeofday", SYS_settimeofday, { -1, 0 } },
	{ "clock_settime", SYS_clock_settime, { CLOCK_REALTIME, -1 } },
	{ "clock_adjtime", SYS_clock_adjtime, { CLOCK_REALTIME, -1 } },
	{ "adjtimex", SYS_adjtimex, { -1 } },
	{ "sethostname", SYS_sethostname, { 0, -1 } },
	{ "setdomainname", SYS_setdomainname, { 0, -1 } },
	{ "init_module", SYS_init_module, { 0 } },
	{ "finit_module", SYS_finit_module, { -1, 0, ~0L } },
	{ "delete_module", SYS_delete_module, { -1 } },
	{ "kexec_load", SYS_kexec_load, { 0, ~0L, 0, ~0L } },
	{ "kexec_file_load", SYS_kexec_file_load, { -1, -1, 0, 0, ~0L } },
	{ "fsconfig", SYS_fsconfig, { -1, ~0L } },
	{ "migrate_pages", SYS_migrate_pages, { -1, ~0L } },
	{ "fanotify_mark", SYS_fanotify_mark, { -1 } },
#if defined(__x86_64__)
	{ "iopl", SYS_iopl, { 99 } },
	{ "ioperm", SYS_ioperm, { -1, 1 } },
	{ "modify_ldt", SYS_modify_ldt, { 0 } },
#endif
	{ "reboot", SYS_reboot, { 0 } },
	{ "fanotify_init", SYS_fanotify_init, { FAN_REPORT_FID } },
	{ "open_by_handle_at", SYS_open_by_handle_at, { -1 } },
	{ "setns", SYS_setns, { -1 } },
	{ "personality", SYS_personality, { 0x0400000 } },
	{ "alg", SYS_socket, { AF_ALG, SOCK_SEQPACKET } },
	{ "vsock", SYS_socket, { AF_VSOCK, SOCK_STREAM } },
	{ "netlink-audit", SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_AUDIT } },
	{ "sctp", SYS_socket, { AF_INET, SOCK_STREAM, 132 } },
	{ "netlink-netfilter", SYS_socket, { AF_NETLINK, SOCK_RAW, 12 } },
	{ "netlink-xfrm", SYS_socket, { AF_NETLINK, SOCK_RAW, 6 } },
	{ "can", SYS_socket, { AF_CAN, SOCK_RAW, 1 } },
	{ "tipc", SYS_socket, { AF_TIPC, SOCK_STREAM } },
	{ "bluetooth", SYS_socket, { AF_BLUETOOTH, SOCK_STREAM } },
	{ "xdp", SYS_socket, { AF_XDP, SOCK_RAW } },
	{ "key", SYS_socket, { AF_KEY, SOCK_RAW, 2 } },
	{ "rds", SYS_socket, { AF_RDS, SOCK_SEQPACKET } },
	{ "raw", SYS_socket, { AF_INET, SOCK_RAW, 1 } },
	{ "packet", SYS_socket, { AF_PACKET, SOCK_DGRAM } },
	{ "old-packet", SYS_socket, { AF_INET, SOCK_PACKET } },
	{ "tiocsti", SYS_ioctl, { STDIN_FILENO, TIOCSTI } },
	{ "tiocsti-high", SYS_ioctl, { STDIN_FILENO, (long)(HIGH_HALF | TIOCSTI) } },
	{ "tioclinux", SYS_ioctl, { STDIN_FILENO, TIOCLINUX } },
	{ "tiocsetd", SYS_ioctl, { STDIN_FILENO, TIOCSETD } },
	{ "unshare-user", SYS_unshare, { CLONE_NEWUSER } },
	{ "unshare-time", SYS_unshare, { 0x80 } },
	{ "fchmodat2", SYS_FCHMODAT2, { -1, 0, 04755 } },
};

static void call(char **arguments)
{
	for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
		const long *a = CALLS[i].arguments;
		if (strcmp(CALLS[i].name, arguments[0]) != 0)
			continue;
		if (syscall(CALLS[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) >= 0)
			escaped("%s succeeded", arguments[0]);
		if (errno == EPERM || errno == ENOSYS)
			refused("call", arguments[0]);
		escaped("%s reached the kernel, which says %s", arguments[0], strerrorname_np(errno));
	}
	broken("there is no call %s", arguments[0]);
}

static void report_namespace(long child, const char *way)
{
	if (child == 0)
		_exit(0);
	if (child < 0)
		refused(way, "user namespace");
	waitpid((pid_t)child, NULL, 0);
	escaped("made a user namespace by %s", way);
}

static void clone_user_namespace(char **arguments)
{
	(void)arguments;
	report_namespace(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), "clone");
}

static void clone3_user_namespace(char **arguments)
{
	(void)arguments;
	uint64_t content[8] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	report_namespace(syscall(SYS_clone3, content, sizeof content), "clone3");
}

/* What root of a user namespace reaches: code that was made for root alone, where the holes were. Each says so by its CVE in the spec. */
static void in_user_namespace(char **arguments)
{
	const char *what = arguments[0];
	long result;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWCGROUP) < 0)
		refused("unshare", "user namespace");
	if (strcmp(what, "fsconfig") == 0) {
		int context = (int)syscall(SYS_fsopen, "tmpfs", 0);
		if (context < 0)
			failed("fsopen", "tmpfs");
		result = syscall(SYS_fsconfig, context, 1 /* FSCONFIG_SET_STRING */, "size", "4k", 0);
	} else if (strcmp(what, "overlay") == 0) {
		result = mkdir("/tmp/joblet-overlay", 0700) < 0 && errno != EEXIST ? -1
			: mount("overlay", "/tmp/joblet-overlay", "overlay", 0, "lowerdir=/usr/bin:/usr/lib");
	} else if (strcmp(what, "nftables") == 0) {
		result = socket(AF_NETLINK, SOCK_RAW, 12);
	} else if (strcmp(what, "packet") == 0) {
		result = socket(AF_PACKET, SOCK_RAW, 0);
	} else if (strcmp(what, "cgroup") == 0) {
		result = mount("none", "/tmp", "cgroup2", 0, NULL);
	} else {
		broken("there is no way %s", what);
	}
	if (result < 0)
		refused(what, "user namespace");
	escaped("%s as root of a user namespace", what);
}

static int make_set_id_file(const char *way, const char *path)
{
	const struct open_how how = { .flags = O_CREAT | O_WRONLY, .mode = 04755 };
	if (strcmp(way, "open") == 0)
		return open(path, O_CREAT | O_WRONLY, 04755);
	if (strcmp(way, "tmpfile") == 0)
		return open("/work", O_TMPFILE | O_WRONLY, 04755);
	if (strcmp(way, "creat") == 0)
		return creat(path, 02755);
	if (strcmp(way, "openat2") == 0)
		return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
	if (strcmp(way, "mknod") == 0)
		return mknod(path, S_IFREG | 04755, 0);
	int file = open(path, O_CREAT | O_WRONLY, 0755);
	if (file < 0)
		failed("open", path);
	if (strcmp(way, "chmod") == 0)
		return chmod(path, 04755);
	if (strcmp(way, "fchmod") == 0)
		return fchmod(file, 02755);
	if (strcmp(way, "fchmodat2") == 0)
		return (int)syscall(SYS_FCHMODAT2, AT_FDCWD, path, 04755, 0);
	broken("there is no way %s", way);
}

static void set_id(char **arguments)
{
	umask(0);
	int made = make_set_id_file(arguments[0], "/work/set-id");
	if (made < 0 && errno != EPERM && errno != ENOSYS)
		failed(arguments[0], "/work/set-id");
	if (made < 0)
		refused(arguments[0], "/work/set-id");
	struct stat found;
	if ((made > 0 ? fstat(made, &found) : stat("/work/set-id", &found)) < 0)
		failed("stat", "/work/set-id");
	if ((found.st_mode & (S_ISUID | S_ISGID)) == 0)
		broken("the file got mode %o", found.st_mode);
	escaped("made a file of mode %o", found.st_mode);
}

/*
 * The numbers of x32, all of which have one bit: 39 is getpid, 521 ptrace. A kernel that was built without them says ENOSYS, so only
 * EPERM is a filter's answer.
 */
static void x32(char **arguments)
{
	if (syscall((long)(X32 | number(arguments[0]))) >= 0)
		escaped("call %s of x32 succeeded", arguments[0]);
	if (errno == EPERM)
		refused("call of x32", arguments[0]);
	escaped("call %s of x32 reached the kernel, which says %s", arguments[0], strerrorname_np(errno));
}

/*
 * time(2) by the old page that lies in every process, in WAY "free", or with a FILTER on top that answers it with EDOM: does that page
 * lead past filters?
 */
static void vsyscall(char **arguments)
{
#if defined(__x86_64__)
	enum { DENIED = SECCOMP_RET_ERRNO | EDOM };
	long (*by_page)(long *) = (long (*)(long *))0xffffffffff600400;
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_time },
		{ BPF_RET | BPF_K, 0, 0, DENIED },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	const struct sock_fprog program = { sizeof code / sizeof *code, code };
	if (strcmp(arguments[0], "filter") == 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0))
		failed("seccomp", "filter");
	long now = by_page(NULL);
	if (now == -EDOM)
		held("the page asks the filter");
	escaped("the page says %ld, whatever the filter says", now);
#else
	(void)arguments;
	broken("there is no such page here");
#endif
}

/* The kernel's other door: i386 numbers, in which 20 is getpid. */
static void i386(char **arguments)
{
	(void)arguments;
#if defined(__x86_64__)
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	if (result > 0)
		escaped("is process %ld to the i386 entry", result);
	errno = (int)-result;
	refused("int 0x80", "getpid");
#else
	broken("there is no int 0x80 here");
#endif
}

const struct program SECCOMP[] = {
	{ "seccomp.call", 1, call },
	{ "seccomp.clone", 0, clone_user_namespace },
	{ "seccomp.clone3", 0, clone3_user_namespace },
	{ "seccomp.in-user-namespace", 1, in_user_namespace },
	{ "seccomp.set-id", 1, set_id },
	{ "seccomp.vsyscall", 1, vsyscall },
	{ "seccomp.x32", 1, x32 },
	{ "seccomp.i386", 0, i386 },
	{ 0 },
};
