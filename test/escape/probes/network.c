#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
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

/* HOST PORT: by another protocol, which falls back to TCP where the other side doesn't have it (RFC 8684). */
static void connect_by_mptcp(char **arguments)
{
	struct sockaddr_in address = address_of(arguments[0], arguments[1]);
	int device = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 262);

	if (device < 0)
		refused("socket", "IPPROTO_MPTCP");
	if (connect(device, (void *)&address, sizeof address) < 0)
		refused("connect", arguments[0]);
	escaped("connected to %s:%s by MPTCP", arguments[0], arguments[1]);
}

/* HOST PORT: by sending (RFC 7413), with each of the calls that send. */
static void connect_by_sending(char **arguments)
{
	struct sockaddr_in address = address_of(arguments[0], arguments[1]);
	struct iovec byte = {"x", 1};
	struct mmsghdr message = {.msg_hdr = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &byte, .msg_iovlen = 1}};

	for (int way = 0; way < 3; way++) {
		int device = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ssize_t sent = way == 0	  ? sendto(device, "x", 1, MSG_FASTOPEN, (void *)&address, sizeof address)
			       : way == 1 ? sendmsg(device, &message.msg_hdr, MSG_FASTOPEN)
					  : sendmmsg(device, &message, 1, MSG_FASTOPEN);
		if (sent >= 0)
			escaped("connected to %s:%s by sending", arguments[0], arguments[1]);
		close(device);
	}
	refused("sendto", arguments[0]);
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

/* NAME: listens at that abstract address and gives whoever connects its /work. */
static void hand_out(char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strnlen(arguments[0], sizeof address.sun_path - 1);
	int device = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), work = open("/work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memcpy(address.sun_path + 1, arguments[0], length);
	if (device < 0 || work < 0 || bind(device, (void *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) < 0 ||
	    listen(device, 1) < 0)
		failed("bind", arguments[0]);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control = {0};
		struct iovec byte = {"x", 1};
		struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
		int connection = accept(device, NULL, NULL);

		control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), &work, sizeof work);
		sendmsg(connection, &message, MSG_NOSIGNAL);
		close(connection);
	}
}

/* NAME: takes a descriptor from whoever hands them out there. */
static void take(char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strnlen(arguments[0], sizeof address.sun_path - 1);
	int device = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control;
	char byte;
	struct iovec place = {&byte, 1};
	struct msghdr message = {.msg_iov = &place, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

	memcpy(address.sun_path + 1, arguments[0], length);
	if (connect(device, (void *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) < 0)
		refused("connect", arguments[0]);
	if (recvmsg(device, &message, 0) != 1 || message.msg_controllen == 0)
		failed("recvmsg", arguments[0]);
	escaped("has the /work of another job");
}

/* Gives the loopback interface another address. */
static void add_address(char **arguments)
{
	(void)arguments;
	struct ifreq request = {.ifr_name = "lo:1"};
	struct sockaddr_in address = address_of("127.77.77.77", "0");
	int device = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&request.ifr_addr, &address, sizeof address);
	if (ioctl(device, SIOCSIFADDR, &request) < 0)
		refused("ioctl SIOCSIFADDR", "lo:1");
	escaped("has another address");
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
	{"network.abstract", 1, abstract}, {"network.hand-out", 1, hand_out}, {"network.take", 1, take},
	{"network.add-address", 0, add_address}, {"network.connect", 2, connect_to}, {"network.bind", 1, bind_to},
	{"network.connect-by-mptcp", 2, connect_by_mptcp}, {"network.connect-by-sending", 2, connect_by_sending}, {"network.spoof", 3, spoof}, {0},
};
