#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Whether SET, such as CapBnd, of /proc/self/status is empty. */
static void set(char **arguments)
{
	char status[8192], name[32];
	if (read_file("/proc/self/status", status, sizeof status) < 0)
		failed("read", "/proc/self/status");
	snprintf(name, sizeof name, "\n%s:\t", arguments[0]);
	const char *line = strstr(status, name);
	if (line == NULL)
		broken("/proc/self/status has no %s", arguments[0]);
	unsigned long long value = strtoull(line + strlen(name), NULL, 16);
	if (value != 0)
		escaped("%s holds %016llx", arguments[0], value);
	held("%s is empty", arguments[0]);
}

static void no_new_privileges(char **arguments)
{
	(void)arguments;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		held("no_new_privs is on");
	escaped("no_new_privs is off");
}

/* What each of these does needs one capability in the host's user namespace. */
static void use_mount(char **arguments)
{
	(void)arguments;
	if (mount("none", "/tmp", "tmpfs", 0, "size=4k") < 0)
		refused("mount", "/tmp");
	escaped("mounted a file system");
}

static void use_chroot(char **arguments)
{
	(void)arguments;
	if (chroot("/work") < 0)
		refused("chroot", "/work");
	escaped("changed the root directory");
}

static void use_packet_socket(char **arguments)
{
	(void)arguments;
	if (socket(AF_PACKET, SOCK_RAW, 0) < 0)
		refused("socket", "AF_PACKET");
	escaped("can read every packet of the host");
}

static void use_identity(char **arguments)
{
	(void)arguments;
	if (setresuid(0, 0, 0) < 0)
		refused("setresuid", "0");
	escaped("became root");
}

static void use_chown(char **arguments)
{
	(void)arguments;
	if (chown("/work", 0, 0) < 0)
		refused("chown", "/work");
	escaped("gave /work to root");
}

/* SYSLOG_ACTION_CONSOLE_LEVEL with a value out of range: EPERM without the capability, EINVAL with it. */
static void use_kernel_log(char **arguments)
{
	(void)arguments;
	klogctl(8, NULL, 99);
	if (errno == EPERM)
		refused("klogctl", "SYSLOG_ACTION_CONSOLE_LEVEL");
	escaped("may set the kernel's log: %s", strerrorname_np(errno));
}

/* FILE is a set-uid copy of this program that root owns. */
static void setuid_file(char **arguments)
{
	char *const command[] = { arguments[0], "capabilities.who", NULL };
	execv(arguments[0], command);
	failed("execv", arguments[0]);
}

static void who(char **arguments)
{
	(void)arguments;
	if (geteuid() == 0)
		escaped("the set-uid file made it root");
	held("the set-uid file gave nothing: uid %u", geteuid());
}

const struct program CAPABILITIES[] = {
	{ "capabilities.set", 1, set },
	{ "capabilities.no-new-privileges", 0, no_new_privileges },
	{ "capabilities.mount", 0, use_mount },
	{ "capabilities.chroot", 0, use_chroot },
	{ "capabilities.packet-socket", 0, use_packet_socket },
	{ "capabilities.identity", 0, use_identity },
	{ "capabilities.chown", 0, use_chown },
	{ "capabilities.kernel-log", 0, use_kernel_log },
	{ "capabilities.setuid-file", 1, setuid_file },
	{ "capabilities.who", 0, who },
	{ 0 },
};
