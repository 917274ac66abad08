/* Reads the fields of a plan one after the other, and never beyond what it was given. Only plan.c and session-order.c need it. */
#ifndef JOBLET_PLAN_CURSOR_H
#define JOBLET_PLAN_CURSOR_H

#include "plan.h"

#include <string.h>

/* What is left of one record's payload. The first fault sticks, and everything read after it is zero or empty. */
struct cursor {
	const uint8_t *at, *end;
	enum plan_fault fault;
};

static inline size_t left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline void fail(struct cursor *cursor, enum plan_fault fault)
{
	if (cursor->fault == 0)
		cursor->fault = fault;
	cursor->at = cursor->end;
}

static inline void require(struct cursor *cursor, bool condition, enum plan_fault fault)
{
	if (!condition)
		fail(cursor, fault);
}

static inline const uint8_t *take(struct cursor *cursor, size_t bytes)
{
	const uint8_t *taken = cursor->at;

	if (bytes > left(cursor)) {
		fail(cursor, PLAN_TRUNCATED);
		return NULL;
	}
	cursor->at += bytes;
	return taken;
}

static inline uint32_t take_u32(struct cursor *cursor)
{
	const uint8_t *bytes = take(cursor, sizeof(uint32_t));
	uint32_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof value);
	return value;
}

static inline int32_t take_i32(struct cursor *cursor)
{
	return (int32_t)take_u32(cursor);
}

static inline uint64_t take_u64(struct cursor *cursor)
{
	uint64_t low = take_u32(cursor);

	return low | (uint64_t)take_u32(cursor) << 32;
}

/* Zero-terminated inside the plan itself, so that it can be used in place. */
static inline const char *take_string(struct cursor *cursor, size_t minimum, size_t maximum)
{
	size_t length = take_u32(cursor);
	const uint8_t *text = cursor->at;

	if (length < minimum || length > maximum) {
		fail(cursor, PLAN_STRING);
		return "";
	}
#ifdef JOBLET_PLANT_BUG
	/* What a hurried reader writes: the NUL is forgotten in the bound. The fuzzer has to find it. */
	if (length > left(cursor)) {
#else
	if (length >= left(cursor)) {
#endif
		fail(cursor, PLAN_TRUNCATED);
		return "";
	}
	if (text[length] != '\0' || memchr(text, '\0', length)) {
		fail(cursor, PLAN_STRING);
		return "";
	}
	cursor->at += length + 1;
	return (const char *)text;
}

#endif
