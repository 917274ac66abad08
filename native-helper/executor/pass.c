#define _GNU_SOURCE
#include "pass.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union ancillary {
	struct cmsghdr head; /* for the alignment */
	char bytes[CMSG_SPACE(PASS_MAXIMUM * sizeof(int))];
};

ssize_t pass_send(int socket, const void *bytes, size_t size, const int *descriptors, size_t count, int flags)
{
	struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
	union ancillary ancillary = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (count > 0) {
		struct cmsghdr *head;

		message.msg_control = ancillary.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(head), descriptors, count * sizeof(int));
	}
	return sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}

ssize_t pass_receive(int socket, void *bytes, size_t capacity, int descriptors[PASS_MAXIMUM], int flags)
{
	struct iovec part = {.iov_base = bytes, .iov_len = capacity};
	union ancillary ancillary;
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = ancillary.bytes, .msg_controllen = sizeof ancillary.bytes};
	ssize_t received = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);

	for (int i = 0; i < PASS_MAXIMUM; i++)
		descriptors[i] = -1;
	if (received < 0)
		return received;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head))
		if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
			memcpy(descriptors, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
	return received;
}

void pass_close(const int descriptors[PASS_MAXIMUM])
{
	for (int i = 0; i < PASS_MAXIMUM; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}
