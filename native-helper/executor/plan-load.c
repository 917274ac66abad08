#define _GNU_SOURCE
#include "plan-load.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* Up to `count` bytes; fewer only at the end of the file. −1 with errno. */
static ssize_t read_up_to(int file, uint8_t *bytes, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t got = read(file, bytes + done, count - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static bool refuse(const struct plan_error *error, struct failure *failure)
{
	char object[96];
	struct text text = TEXT_IN(object);

	text_add(&text, plan_record_name(error->record));
	text_add(&text, " at byte ");
	text_add_unsigned(&text, error->offset);
	return refused(failure, "plan", "parse", text_string(&text), plan_fault_text(error->fault));
}

static bool refuse_fault(enum plan_fault fault, size_t offset, struct failure *failure)
{
	return refuse(&(struct plan_error){.fault = fault, .offset = offset}, failure);
}

bool plan_load(int file, const uint8_t build[BUILD_ID_BYTES], struct plan *plan, struct failure *failure)
{
	uint8_t header[PLAN_HEADER_BYTES], *bytes;
	struct plan_error error;
	ssize_t got = read_up_to(file, header, sizeof header);
	size_t size;

	if (got < 0)
		return failed(failure, "plan", "read", "standard input");
	if (got < PLAN_HEADER_BYTES)
		return refuse_fault(PLAN_TRUNCATED, (size_t)got, failure);
	if (!plan_parse_header(header, build, &size, &error))
		return refuse(&error, failure);
	bytes = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return failed(failure, "plan", "mmap", "plan");
	for (size_t i = 0; i < sizeof header; i++)
		bytes[i] = header[i];
	got = read_up_to(file, bytes + sizeof header, size - sizeof header + 1);
	if (got < 0)
		return failed(failure, "plan", "read", "standard input");
	if ((size_t)got > size - sizeof header)
		return refuse_fault(PLAN_OVERSIZED, size, failure);
	return plan_parse(bytes, sizeof header + (size_t)got, build, plan, &error) || refuse(&error, failure);
}
