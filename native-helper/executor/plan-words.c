/* What others ask about a plan: its parts and faults in words, its ids seen from outside. */
#include "plan.h"

static const char *const FAULTS[PLAN_FAULTS_END] = {
	[PLAN_TRUNCATED] = "truncated: it ends before what it announces",
	[PLAN_OVERSIZED] = "oversized: larger than it says or than is allowed",
	[PLAN_FOREIGN] = "foreign: this is not a plan",
	[PLAN_OTHER_VERSION] = "of another version",
	[PLAN_OTHER_BUILD] = "of another build: helper and executor do not belong together",
	[PLAN_RECORD_COUNT] = "has another number of records than is allowed",
	[PLAN_UNKNOWN_RECORD] = "unknown record",
	[PLAN_TOO_MANY] = "more often than is allowed",
	[PLAN_MISSING] = "missing",
	[PLAN_RESERVED] = "a reserved field is not zero",
	[PLAN_PADDING] = "the padding is not zero",
	[PLAN_TRAILING] = "holds more than its fields",
	[PLAN_STRING] = "a string is too short, too long, or has a NUL in the wrong place",
	[PLAN_TARGET] = "a path is not absolute, or has an empty, . or .. component",
	[PLAN_VALUE] = "a value is out of its range",
	[PLAN_COMBINATION] = "fields that do not go together",
};

const char *plan_fault_text(enum plan_fault fault)
{
	return FAULTS[fault];
}

static const char *const RECORDS[] = {
	"the plan", "JOB", "NAMESPACES", "HOSTNAME", "CREDENTIALS", "ID_RANGE", "MOUNT", "DEVICE",
	"LIMIT", "RLIMIT", "ENVIRONMENT", "ARGUMENT", "WORK_DIRECTORY", "SECCOMP", "TIMES", "SCHEDULING",
	"LANDLOCK", "INPUT",
	[18] = "IDMAP", "LOG",
};

const char *plan_record_name(uint32_t type)
{
	return type < sizeof RECORDS / sizeof *RECORDS && RECORDS[type] ? RECORDS[type] : "a record of unknown type";
}

uint32_t plan_outside_id(const struct plan *plan, enum plan_id_kind kind, uint32_t id)
{
	for (uint32_t i = 0; i < plan->id_range_count; i++) {
		const struct plan_id_range *range = &plan->id_ranges[i];

		if (range->kind == kind && id >= range->inside && id - range->inside < range->count)
			return range->outside + (id - range->inside);
	}
	return id;
}
