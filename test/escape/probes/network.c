#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* NAME: an abstract Unix address that somebody listens at. */
static void abstract(char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strnlen(arguments[0], sizeof address.sun_path - 1);
	int device = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (device < 0)
		failed("socket", "AF_UNIX");
	memcpy(address.sun_path + 1, arguments[0], length);
	if (connect(device, (void *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) < 0)
		refused("connect", arguments[0]);
	escaped("connected to the abstract socket %s", arguments[0]);
}

static struct sockaddr_in address_of(const char *host, const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(port))};

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		broken("%s is no address", host);
	return address;
}

/* HOST PORT: TCP, where somebody listens. */
static void connect_to(char **arguments)
{
	struct sockaddr_in address = address_of(arguments[0], arguments[1]);
	int device = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (device < 0)
		failed("socket", "AF_INET");
	if (connect(device, (void *)&address, sizeof address) < 0)
		refused("connect", arguments[0]);
	escaped("connected to %s:%s", arguments[0], arguments[1]);
}

/* PORT: TCP, which nobody has. */
static void bind_to(char **arguments)
{
	struct sockaddr_in address = address_of("127.0.0.1", arguments[0]);
	int device = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (device < 0)
		failed("socket", "AF_INET");
	if (bind(device, (void *)&address, sizeof address) < 0)
		refused("bind", arguments[0]);
	escaped("bound port %s", arguments[0]);
}

/* SOURCE TARGET PORT: one datagram by IPv6 that says who it comes from, and lies (IPV6_FREEBIND needs no right). No verdict: who gets it, tells. */
static void spoof(char **arguments)
{
	enum { FREEBIND = 78 };
	struct sockaddr_in6 from = {.sin6_family = AF_INET6}, to = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)number(arguments[2]))};
	int device = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	if (device < 0 || inet_pton(AF_INET6, arguments[0], &from.sin6_addr) != 1 || inet_pton(AF_INET6, arguments[1], &to.sin6_addr) != 1)
		failed("socket", "AF_INET6");
	if (setsockopt(device, IPPROTO_IPV6, FREEBIND, &one, sizeof one) < 0 || bind(device, (void *)&from, sizeof from) < 0)
		refused("bind", arguments[0]);
	for (int i = 0; i < 3; i++)
		if (sendto(device, "spoofed", 7, 0, (void *)&to, sizeof to) != 7)
			refused("sendto", arguments[1]);
	held("sent from %s", arguments[0]);
}

const struct program NETWORK[] = {
	{"network.abstract", 1, abstract}, {"network.connect", 2, connect_to}, {"network.bind", 1, bind_to}, {"network.spoof", 3, spoof}, {0},
};
