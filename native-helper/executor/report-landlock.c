/* The report's lines about the Landlock domain. */
#include "report.h"

#include <errno.h>

/* What was tried must have been refused, and by Landlock. */
static void refused_line(struct report *report, const char *item, int found, int expected)
{
	if (found != LANDLOCK_NOT_TRIED)
		report_line(report, "landlock", item, "refused", found == 0 ? "let through" : error_name(found), found == expected);
}

void report_landlock(struct report *report, const struct report_subject *subject)
{
	const struct plan *plan = subject->plan;
	const struct landlock_facts *facts = &subject->facts->landlock;

	if (plan->landlock_scopes == 0 && plan->network == NETWORK_HOST)
		report_line(report, "landlock", "abstract sockets and signals of others", "none", "not available", true);
	/* One rule set has both, and signals have no way to be tried: there is no process but the job's own to see. */
	refused_line(report, "abstract sockets and signals of others", facts->abstract_socket, EPERM);
	refused_line(report, "other TCP ports to listen on", facts->bind, EACCES);
	refused_line(report, "other TCP ports to connect to", facts->connect, EACCES);
}
