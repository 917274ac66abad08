#define _GNU_SOURCE
#include "landlock.h"

#include "layer.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* <asm-generic/unistd.h> and <linux/landlock.h>, which on older distributions know no more than files. */
enum { SYSTEM_CREATE_RULESET = 444, SYSTEM_ADD_RULE, SYSTEM_RESTRICT_SELF };
enum { RULE_NET_PORT = 2 };

struct ruleset_attributes {
	uint64_t file_system, network, scopes;
};
struct port_attributes {
	uint64_t allowed, port;
};

static int probe_socket = -1;
static struct sockaddr_un probe_address;
static socklen_t probe_length;

/* Bound to an abstract address that the kernel chooses (unix(7), autobind). */
bool landlock_prepare(const struct plan *plan, struct failure *failure)
{
	const struct sockaddr_un none = {.sun_family = AF_UNIX};

	if (plan->landlock_scopes == 0)
		return true;
	probe_length = sizeof probe_address;
	probe_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return (probe_socket >= 0 && bind(probe_socket, (const void *)&none, offsetof(struct sockaddr_un, sun_path)) == 0 &&
		getsockname(probe_socket, (void *)&probe_address, &probe_length) == 0) ||
	       failed(failure, "landlock", "bind", "abstract socket to try");
}

void landlock_forget(void)
{
	if (probe_socket >= 0)
		close(probe_socket);
	probe_socket = -1;
}

static bool allow_ports(int ruleset, uint32_t access, const uint32_t *ports, uint32_t count, struct failure *failure)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct port_attributes port = {.allowed = access, .port = ports[i]};

		if (syscall(SYSTEM_ADD_RULE, ruleset, RULE_NET_PORT, &port, 0) < 0)
			return failed(failure, "landlock", "landlock_add_rule", "TCP port");
	}
	return true;
}

bool landlock_enter(const struct plan *plan, struct failure *failure)
{
	const struct ruleset_attributes attributes = {
		.network = LAYER("landlock-ports") ? plan->landlock_access : 0,
		.scopes = LAYER("landlock-scopes") ? plan->landlock_scopes : 0,
	};
	int ruleset;

	if (attributes.network == 0 && attributes.scopes == 0)
		return true;
	ruleset = (int)syscall(SYSTEM_CREATE_RULESET, &attributes, sizeof attributes, 0);
	if (ruleset < 0)
		return failed(failure, "landlock", "landlock_create_ruleset", "rule set of the plan");
	if (attributes.network != 0 &&
	    (!allow_ports(ruleset, LANDLOCK_BIND, plan->landlock_bind, plan->landlock_bind_count, failure) ||
	     !allow_ports(ruleset, LANDLOCK_CONNECT, plan->landlock_connect, plan->landlock_connect_count, failure)))
		return false;
	return (syscall(SYSTEM_RESTRICT_SELF, ruleset, 0) == 0 && close(ruleset) == 0) ||
	       failed(failure, "landlock", "landlock_restrict_self", "rule set of the plan");
}

/* @returns errno of the attempt, 0 when it went through. */
static int try_socket(int family, int type, int (*attempt)(int, const struct sockaddr *, socklen_t), const void *address,
		      socklen_t length)
{
	int device = socket(family, type | SOCK_CLOEXEC, 0);
	int result = device < 0 || attempt(device, address, length) < 0 ? errno : 0;

	if (device >= 0)
		close(device);
	return result;
}

void landlock_try(const struct plan *plan, struct landlock_facts *facts)
{
	/* Port 0 is in no list; and Landlock answers before anything looks at the address. */
	const struct sockaddr_in nowhere = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

	*facts = (struct landlock_facts){LANDLOCK_NOT_TRIED, LANDLOCK_NOT_TRIED, LANDLOCK_NOT_TRIED};
	if (plan->landlock_scopes & LANDLOCK_ABSTRACT_SOCKETS)
		facts->abstract_socket = try_socket(AF_UNIX, SOCK_DGRAM, connect, &probe_address, probe_length);
	if (plan->landlock_access & LANDLOCK_BIND)
		facts->bind = try_socket(AF_INET, SOCK_STREAM, bind, &nowhere, sizeof nowhere);
	if (plan->landlock_access & LANDLOCK_CONNECT)
		facts->connect = try_socket(AF_INET, SOCK_STREAM, connect, &nowhere, sizeof nowhere);
}
