#ifndef JOBLET_CLOCK_H
#define JOBLET_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since the epoch. */
static inline uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Milliseconds of a clock that nobody sets. */
static inline uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Microseconds since the epoch. */
static inline uint64_t realtime_us(void)
{
	return realtime_ns() / 1000;
}

/* Microseconds since the machine started, sleep included: for lengths of time, since nobody sets it. */
static inline uint64_t boottime_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

#endif
