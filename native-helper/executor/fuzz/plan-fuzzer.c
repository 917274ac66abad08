/*
 * libFuzzer harness of the plan parser (run.ts builds and runs it). Besides the sanitizers, which watch every access, it checks what
 * the parser promises: a refused plan has a named fault, and an accepted one keeps to its bounds.
 */
#include "../plan.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_OFFSET = 4, RECORD_HEADER_BYTES = 8, HEADER_SIZE_OFFSET = 12, HEADER_RECORDS_OFFSET = 16 };

static const uint8_t BUILD[BUILD_ID_BYTES];

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maximum);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum, unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static uint32_t read_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof value);
	return value;
}

static void write_u32(uint8_t *bytes, uint32_t value)
{
	memcpy(bytes, &value, sizeof value);
}

static uint32_t count_records(const uint8_t *data, size_t size)
{
	uint32_t count = 0;

	for (size_t at = PLAN_HEADER_BYTES; at + RECORD_HEADER_BYTES <= size; count++) {
		size_t payload = read_u32(data + at + SIZE_OFFSET);

		at += RECORD_HEADER_BYTES + payload + (-payload & 7);
	}
	return count;
}

/* Most mutations change the length; without this nearly all of them would end at the header's size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum, unsigned int seed)
{
	size_t mutated = LLVMFuzzerMutate(data, size, maximum);

	if (mutated < PLAN_HEADER_BYTES || seed % 8 == 0)
		return mutated;
	write_u32(data + HEADER_SIZE_OFFSET, (uint32_t)mutated);
	if (seed % 8 > 1)
		write_u32(data + HEADER_RECORDS_OFFSET, count_records(data, mutated));
	return mutated;
}

static void check_accepted(const struct plan *plan)
{
	require(plan->mount_count >= 1 && plan->mount_count <= MOUNTS_MAXIMUM);
	require(plan->argument_count >= 1 && plan->argument_count <= ARGUMENTS_MAXIMUM);
	require(plan->environment_count <= ENVIRONMENT_MAXIMUM);
	require(plan->arguments[plan->argument_count] == NULL && plan->environment[plan->environment_count] == NULL);
	require(strlen(plan->uuid) == UUID_BYTES && plan->work_directory[0] == '/');
	require(plan->mounts[0].kind == MOUNT_TMPFS && strcmp(plan->mounts[0].target, "/") == 0);
	for (uint32_t i = 1; i < plan->mount_count; i++)
		require(plan->mounts[i].target[0] == '/' && !strstr(plan->mounts[i].target, "/../") &&
			plan->mounts[i].target[1] != '\0');
	for (uint32_t i = 0; i < plan->argument_count; i++)
		require(strlen(plan->arguments[i]) <= PLAN_STRING_MAXIMUM);
	require(plan->uid != UINT32_MAX && plan->gid != UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Its own block of exactly this size, so that one byte too far is seen. */
	uint8_t *bytes = malloc(size);
	static struct plan plan;
	struct plan_error error = {0};

	require(bytes || size == 0);
	memset(&plan, 0, sizeof plan);
	if (size > 0)
		memcpy(bytes, data, size);
	if (plan_parse(bytes, size, BUILD, &plan, &error))
		check_accepted(&plan);
	else
		require(error.fault > 0 && error.fault < PLAN_FAULTS_END && plan_fault_text(error.fault) &&
			plan_record_name(error.record) && error.offset <= size);
	free(bytes);
	return 0;
}
