#define _GNU_SOURCE
#include "tables.h"

#include "text.h"

#include <errno.h>
#include <grp.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdalign.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	NOBODY = 65534,
	EXIT_DEAF = 125,
	/* The kernel sends no more at once (NLMSG_GOODSIZE). */
	BUFFER_BYTES = 32 * 1024,
};

/* Without an address of its own a socket hears nothing (netlink(7)). */
static int listen_to_filter(void)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK, .nl_groups = 1 << (NFNLGRP_NFTABLES - 1)};
	int connection = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	return connection >= 0 && bind(connection, (const struct sockaddr *)&any, sizeof any) < 0 ? -1 : connection;
}

/* To join the group takes CAP_NET_ADMIN, to hear of it nothing. The parent-death signal comes last: a change of ids takes it away. */
static bool drop_rights(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
}

static bool say(const char *sign, unsigned family, const char *name)
{
	char buffer[512];
	struct text line = TEXT_IN(buffer);

	line.fd = STDOUT_FILENO;
	text_add(&line, sign);
	if (*name) {
		text_add_unsigned(&line, family);
		text_add(&line, " ");
		text_add(&line, name);
	}
	text_add(&line, "\n");
	return text_flush(&line);
}

/* NULL when it has none. The kernel ends it with a NUL. */
static const char *table_name(const struct nlmsghdr *message)
{
	const char *position = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
	const char *end = (const char *)message + message->nlmsg_len;

	while (end - position >= (ptrdiff_t)sizeof(struct nlattr)) {
		const struct nlattr *attribute = (const struct nlattr *)(const void *)position;

		if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > end - position)
			return NULL;
		if ((attribute->nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME)
			return position + NLA_HDRLEN;
		position += NLA_ALIGN(attribute->nla_len);
	}
	return NULL;
}

static bool tell(const struct nlmsghdr *message, const char *prefix)
{
	const struct nfgenmsg *about = NLMSG_DATA(message);
	const bool made = message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
	const bool gone = message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE);
	const char *name = made || gone ? table_name(message) : NULL;

	if (name == NULL || strncmp(name, prefix, strlen(prefix)) != 0)
		return true;
	return say(made ? "+" : "-", about->nfgen_family, name);
}

int tables_watch(const char *prefix)
{
	static alignas(struct nlmsghdr) char buffer[BUFFER_BYTES];
	const int connection = listen_to_filter();

	if (connection < 0 || !drop_rights() || !say("ready", 0, ""))
		return EXIT_DEAF;
	for (;;) {
		ssize_t length = recv(connection, buffer, sizeof buffer, 0);
		const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)buffer;

		if (length < 0 && errno == ENOBUFS && say("?", 0, ""))
			continue;
		if (length <= 0)
			return EXIT_DEAF;
		for (; NLMSG_OK(message, (size_t)length); message = NLMSG_NEXT(message, length))
			if (!tell(message, prefix))
				return EXIT_DEAF;
	}
}
