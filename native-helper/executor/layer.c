/* Only for test/escape: see layer.h. */
#include "layer.h"

#ifdef JOBLET_WEAKEN
#include <stdlib.h>
#include <string.h>

/* JOBLET_WEAKEN is a list of names with commas between them. */
bool layer_is_on(const char *name)
{
	const char *list = getenv("JOBLET_WEAKEN");
	size_t length = strlen(name);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (strncmp(list, name, length) == 0 && (list[length] == ',' || list[length] == '\0'))
			return false;
	}
	return true;
}
#endif
