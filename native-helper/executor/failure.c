#define _GNU_SOURCE
#include "failure.h"

#include <errno.h>
#include <string.h>

/* Truncates what doesn't fit: the beginning of a path tells more than no error at all. */
static void copy(char *to, size_t capacity, const char *from)
{
	size_t length = strnlen(from, capacity - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

static bool note(struct failure *failure, const char *layer, const char *operation, const char *object, const char *message,
		 int error)
{
	copy(failure->layer, sizeof failure->layer, layer);
	copy(failure->operation, sizeof failure->operation, operation);
	copy(failure->object, sizeof failure->object, object);
	copy(failure->message, sizeof failure->message, message);
	failure->error = error;
	return false;
}

bool failed(struct failure *failure, const char *layer, const char *operation, const char *object)
{
	int error = errno;

	return note(failure, layer, operation, object, strerror(error), error);
}

bool refused(struct failure *failure, const char *layer, const char *operation, const char *object, const char *message)
{
	return note(failure, layer, operation, object, message, 0);
}

void failure_as_json(const struct failure *failure, struct text *text)
{
	text_add(text, "{");
	json_string_field(text, "layer", failure->layer);
	json_string_field(text, "operation", failure->operation);
	json_string_field(text, "object", failure->object);
	json_number_field(text, "errno", failure->error);
	json_string_field(text, "message", failure->message);
	text_add(text, "}");
}
