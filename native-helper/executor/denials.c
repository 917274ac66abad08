#define _GNU_SOURCE
#include "denials.h"

#include "clock.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

#if defined(__x86_64__)
enum { NATIVE_ARCHITECTURE = (int)AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { NATIVE_ARCHITECTURE = (int)AUDIT_ARCH_AARCH64 };
#endif

/* 2000 a second, in steps that are long enough for a sleep and too short to be felt. */
enum { WINDOW_MS = 50, ANSWERS_A_WINDOW = 100 };

/* As all numbers of x32 have it (asm/unistd.h). */
enum { X32_BIT = 0x40000000 };

static int32_t kind_of(const struct seccomp_data *data)
{
	bool foreign = (int)data->arch != NATIVE_ARCHITECTURE || data->nr & X32_BIT;

	return foreign ? DENIAL_FOREIGN : data->nr;
}

static const struct denial *count(struct denials *denials, int32_t call)
{
	struct denial *denial = denials->list;

	for (; denial < denials->list + denials->kinds; denial++) {
		if (denial->call == call) {
			denial->count++;
			return NULL;
		}
	}
	if (denials->kinds == DENIALS_MAXIMUM) {
		denials->others++;
		return NULL;
	}
	denials->kinds++;
	*denial = (struct denial){.call = call, .count = 1, .first_us = realtime_us()};
	return denial;
}

int denials_rest_ms(const struct denials *denials)
{
	uint64_t passed = monotonic_ms() - denials->window_ms;

	return denials->answered < ANSWERS_A_WINDOW || passed >= WINDOW_MS ? 0 : (int)(WINDOW_MS - passed);
}

static void spend_answer(struct denials *denials)
{
	uint64_t now = monotonic_ms();

	if (now - denials->window_ms >= WINDOW_MS) {
		denials->window_ms = now;
		denials->answered = 0;
	}
	denials->answered++;
}

/*
 * Both structures may be larger in a later kernel, which writes and reads them in its own size; the first has to come zeroed. A thread
 * that was killed meanwhile needs no answer: that is ENOENT, from either call.
 */
const struct denial *denials_answer(struct denials *denials)
{
	union {
		struct seccomp_notif request;
		uint8_t room[512];
	} asked = {0};
	union {
		struct seccomp_notif_resp response;
		uint8_t room[512];
	} answer = {0};
	const struct denial *first;

	spend_answer(denials);
	if (ioctl(denials->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return NULL;
	first = count(denials, kind_of(&asked.request.data));
	answer.response.id = asked.request.id;
	answer.response.error = -EPERM;
	ioctl(denials->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	return first;
}

void denials_as_json(const struct denials *denials, struct text *text)
{
	text_add(text, "[");
	for (const struct denial *denial = denials->list; denial < denials->list + denials->kinds; denial++) {
		text_add(text, denial == denials->list ? "[" : ",[");
		text_add_signed(text, denial->call);
		text_add(text, ",");
		text_add_unsigned(text, denial->count);
		text_add(text, ",");
		text_add_unsigned(text, denial->first_us);
		text_add(text, "]");
	}
	text_add(text, "]");
}
