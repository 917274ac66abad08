/*
 * A test has shown nothing until it has been seen to fail. So test/escape has an executor built with -DJOBLET_WEAKEN, in which the
 * environment variable JOBLET_WEAKEN names layers to leave out, and each of its probes must get out through the one it is for.
 * In the normal build a layer is the constant true: nothing of this is in the executable.
 */
#ifndef JOBLET_LAYER_H
#define JOBLET_LAYER_H

#include <stdbool.h>

#ifdef JOBLET_WEAKEN
bool layer_is_on(const char *name);
#define LAYER(name) layer_is_on(name)
#else
#define LAYER(name) true
#endif

#endif
