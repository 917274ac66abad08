/* The plan's bytes, from a descriptor into memory. */
#ifndef JOBLET_PLAN_LOAD_H
#define JOBLET_PLAN_LOAD_H

#include "failure.h"
#include "plan.h"

/*
 * Reads a plan from a memfd, a file or a pipe up to its end, and parses it. The bytes are copied first, so that nobody can change
 * them between check and use. No more is read than the header announces, and one byte. The plan lives as long as the process.
 */
bool plan_load(int file, const uint8_t build[BUILD_ID_BYTES], struct plan *plan, struct failure *failure);

#endif
