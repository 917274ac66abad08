#define _GNU_SOURCE
#include "guests.h"

#include "command.h"
#include "record.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* All that live; pid 0 is a free place. */
static struct guest {
	pid_t pid;
	uint32_t session;
} guests[GUESTS_MAXIMUM];

static struct guest *free_place(void)
{
	for (int i = 0; i < GUESTS_MAXIMUM; i++)
		if (guests[i].pid == 0)
			return &guests[i];
	return NULL;
}

/* The job's own environment, with the session's TERM in place of its own. */
static const char *const *environment_of(const struct plan *plan, const char *term)
{
	static const char *environment[ENVIRONMENT_MAXIMUM + 2];
	static char buffer[sizeof "TERM=" + REQUEST_TERM_MAXIMUM];
	struct text variable = TEXT_IN(buffer);
	uint32_t count = 0;

	if (term[0] == '\0')
		return plan->environment;
	for (uint32_t i = 0; i < plan->environment_count; i++)
		if (strncmp(plan->environment[i], "TERM=", strlen("TERM=")) != 0)
			environment[count++] = plan->environment[i];
	text_add(&variable, "TERM=");
	text_add(&variable, term);
	environment[count++] = text_string(&variable);
	environment[count] = NULL;
	return environment;
}

/* Its 0, 1 and 2. Who asked for no input has what init has as input: the job's /dev/null. */
static void choose_streams(const struct exec_request *request, const struct terminal *terminal, const int *descriptors, int streams[3])
{
	int first = request->has_input ? 1 : 0;

	for (int number = 0; number < 3; number++)
		streams[number] = terminal->slave;
	if (request->has_terminal)
		return;
	streams[0] = request->has_input ? descriptors[0] : STDIN_FILENO;
	streams[1] = descriptors[first];
	streams[2] = descriptors[first + 1];
}

static pid_t start(const struct plan *plan, const struct exec_request *request, const int *descriptors, struct init_message *message,
		   int *master)
{
	struct terminal terminal = {-1, -1};
	int streams[3];
	struct command command = {
		.plan = plan,
		.arguments = request->arguments,
		.environment = environment_of(plan, request->term),
		.streams = streams,
		.has_terminal = request->has_terminal,
	};
	pid_t pid;

	if (request->has_terminal && !terminal_open(&terminal, request->size, &message->failure))
		return 0;
	choose_streams(request, &terminal, descriptors, streams);
	pid = command_start(&command, &message->status, &message->failure);
	*master = terminal.master;
	if (terminal.slave >= 0)
		close(terminal.slave);
	return pid;
}

void guests_start(const struct plan *plan, const struct init_request *order, size_t payload_bytes, const int *descriptors,
		  struct init_message *message, int *master)
{
	static struct exec_request request;
	struct guest *guest = free_place();
	pid_t pid = 0;

	*message = (struct init_message){.event = INIT_GUEST_REFUSED, .session = order->session, .status = EXIT_REFUSED};
	if (!session_read_request(order->payload, payload_bytes, &request))
		refused(&message->failure, "monitor", "parse", "request", "is malformed");
	else if (!guest)
		refused(&message->failure, "process", "exec", request.arguments[0], "as many as may be run in this job already");
	else
		pid = start(plan, &request, descriptors, message, master);
	if (pid == 0)
		return;
	*guest = (struct guest){pid, order->session};
	message->event = INIT_GUEST_STARTED;
}

bool guests_ended(pid_t pid, int status, struct init_message *message)
{
	for (int i = 0; i < GUESTS_MAXIMUM; i++) {
		if (guests[i].pid != pid)
			continue;
		*message = (struct init_message){.event = INIT_GUEST_ENDED, .session = guests[i].session, .status = status};
		guests[i].pid = 0;
		return true;
	}
	return false;
}

void guests_hang_up(uint32_t session)
{
	for (int i = 0; i < GUESTS_MAXIMUM; i++)
		if (guests[i].pid > 0 && guests[i].session == session)
			kill(-guests[i].pid, SIGHUP);
}
