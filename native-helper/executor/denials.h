/*
 * What the filter denies a job. Its program sends each such call here (SECCOMP_RET_USER_NOTIF), and its thread waits for the answer, which
 * is always EPERM: so a denial is known by its call and counted. When there is no monitor the kernel answers ENOSYS.
 */
#ifndef JOBLET_DENIALS_H
#define JOBLET_DENIALS_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DENIALS_MAXIMUM = 32,	   /* kinds that are told apart: as many as the record has room for */
	DENIAL_BYTES_MAXIMUM = 56, /* of one in JSON */
	DENIAL_FOREIGN = -1,	   /* a call of another ABI: i386, x32, AArch32 */
};

struct denial {
	int32_t call; /* its number, or DENIAL_FOREIGN */
	uint64_t count;
	uint64_t first_us; /* since the epoch */
};

struct denials {
	int listener; /* −1: the filter has none, or nobody is left whom it holds */
	uint32_t kinds;
	struct denial list[DENIALS_MAXIMUM];
	uint64_t others; /* calls of further kinds */
	uint64_t window_ms;
	uint32_t answered; /* in the present window */
};

/* Answers a call, when poll(2) has said that one waits. @returns its denial if that is the first of its kind, else NULL. */
const struct denial *denials_answer(struct denials *denials);

/*
 * How long no call is answered, in ms; 0: go on. A job that does nothing but make denied calls waits most of the time: the monitor is not in its
 * cgroup, so what it uses counts against nobody.
 */
int denials_rest_ms(const struct denials *denials);

/* `[[call,count,first_us],…]` */
void denials_as_json(const struct denials *denials, struct text *text);

#endif
