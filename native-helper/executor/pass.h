/* Messages of a Unix socket with descriptors beside their bytes (SCM_RIGHTS, unix(7)). */
#ifndef JOBLET_PASS_H
#define JOBLET_PASS_H

#include <stddef.h>
#include <sys/types.h>

/* An even number, so that the kernel's padding has no room for one more. */
enum { PASS_MAXIMUM = 4 };

/* As send(2), with `count` descriptors, at most PASS_MAXIMUM; the sender keeps its own. SIGPIPE is not raised. */
ssize_t pass_send(int socket, const void *bytes, size_t size, const int *descriptors, size_t count, int flags);

/*
 * As recv(2). The descriptors that came, close-on-exec, stand in `descriptors`, the others are −1. A message with more than
 * PASS_MAXIMUM of them loses the rest.
 */
ssize_t pass_receive(int socket, void *bytes, size_t capacity, int descriptors[PASS_MAXIMUM], int flags);

/* Closes those that are open. */
void pass_close(const int descriptors[PASS_MAXIMUM]);

#endif
