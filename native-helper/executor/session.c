#define _GNU_SOURCE
#include "session.h"

#include "init.h"
#include "job.h"
#include "pass.h"
#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a pipe holds, and more than a terminal does: a process elsewhere that got hold of its end can't keep a session from ending. */
enum { OUTPUT_LEFT_MAXIMUM = 1024 * 1024 };

enum session_wait { WAIT_CONNECTION, WAIT_INPUT, WAIT_OUTPUTS };

static void close_descriptor(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

static bool has_command(const struct session *session)
{
	return session->state == SESSION_STARTING || session->state == SESSION_RUNNING;
}

static void hang_up(const struct job *job, uint32_t number)
{
	const struct init_request order = {.order = INIT_HANG_UP, .session = number};

	send(job->init_socket, &order, offsetof(struct init_request, payload), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void close_session(struct job *job, struct session *session)
{
	if (has_command(session))
		hang_up(job, session->number);
	close_descriptor(&session->connection);
	close_descriptor(&session->input);
	close_descriptor(&session->outputs[0]);
	close_descriptor(&session->outputs[1]);
	munmap(session->buffers, sizeof *session->buffers);
	session->buffers = NULL;
}

static bool is_sending(const struct session *session)
{
	return session->sent < session->to_send;
}

/* False when the session is closed: its client has gone. */
static bool flush(struct job *job, struct session *session)
{
	while (is_sending(session)) {
		ssize_t sent = send(session->connection, session->buffers->sent + session->sent, session->to_send - session->sent,
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
			return true;
		if (sent < 0) {
			close_session(job, session);
			return false;
		}
		session->sent += (uint32_t)sent;
	}
	return true;
}

/* Where the payload of the next frame is to be put. Only when nothing is being sent. */
static uint8_t *payload_to_send(struct session *session)
{
	return session->buffers->sent + SESSION_HEADER_BYTES;
}

static bool send_frame(struct job *job, struct session *session, enum session_event type, size_t payload_bytes)
{
	const struct session_header header = {.type = type, .size = (uint32_t)payload_bytes};

	memcpy(session->buffers->sent, &header, sizeof header);
	session->to_send = (uint32_t)(SESSION_HEADER_BYTES + payload_bytes);
	session->sent = 0;
	return flush(job, session);
}

static bool send_number(struct job *job, struct session *session, enum session_event type, uint64_t number)
{
	memcpy(payload_to_send(session), &number, sizeof number);
	return send_frame(job, session, type, sizeof number);
}

static bool refuse(struct job *job, struct session *session, uint32_t exit_code, const struct failure *failure)
{
	struct text text = {
		.buffer = (char *)payload_to_send(session) + sizeof exit_code,
		.capacity = SESSION_PAYLOAD_MAXIMUM - sizeof exit_code,
		.fd = -1,
	};

	memcpy(payload_to_send(session), &exit_code, sizeof exit_code);
	failure_as_json(failure, &text);
	session->state = SESSION_OVER;
	return send_frame(job, session, SESSION_REFUSED, sizeof exit_code + text.length);
}

static bool send_exited(struct job *job, struct session *session)
{
	bool killed = WIFSIGNALED(session->status);
	const uint32_t end[2] = {
		killed ? EXIT_SIGNAL_BASE + (uint32_t)WTERMSIG(session->status) : (uint32_t)WEXITSTATUS(session->status),
		killed ? (uint32_t)WTERMSIG(session->status) : 0,
	};

	memcpy(payload_to_send(session), end, sizeof end);
	session->state = SESSION_OVER;
	return send_frame(job, session, SESSION_EXITED, sizeof end);
}

/* @returns whether a frame of it has been made. */
static bool pump_output(struct job *job, struct session *session, int output)
{
	ssize_t count = read(session->outputs[output], payload_to_send(session), SESSION_PAYLOAD_MAXIMUM);

	if (count > 0) {
		session->unread -= session->unread < (uint32_t)count ? session->unread : (uint32_t)count;
		send_frame(job, session, output == 0 ? SESSION_STDOUT : SESSION_STDERR, (size_t)count);
		return true;
	}
	/* The other end of a terminal is closed: EIO */
	if (count == 0 || errno != EAGAIN || session->state == SESSION_DRAINING)
		close_descriptor(&session->outputs[output]);
	return false;
}

/* What its ended command has left in its pipes, then how it ended; as far as the client takes it now. */
static void drain(struct job *job, struct session *session)
{
	for (int output = 0; output < 2; output++)
		while (session->buffers && !is_sending(session) && session->outputs[output] >= 0)
			if (session->unread == 0)
				close_descriptor(&session->outputs[output]);
			else
				pump_output(job, session, output);
	if (session->buffers && !is_sending(session))
		send_exited(job, session);
}

/* All that can be done for the client without waiting. */
static void advance(struct job *job, struct session *session)
{
	if (!flush(job, session) || is_sending(session))
		return;
	if (session->state == SESSION_DRAINING)
		drain(job, session);
	if (session->buffers && session->state == SESSION_OVER && !is_sending(session)) {
		close_session(job, session);
		return;
	}
	if (session->buffers && session->owes_taken && !is_sending(session)) {
		session->owes_taken = false;
		send_number(job, session, SESSION_TAKEN, job->input.taken);
	}
	if (session->buffers && session->owes_closed && !is_sending(session)) {
		session->owes_closed = false;
		send_frame(job, session, SESSION_INPUT_CLOSED, 0);
	}
}

static void read_header(const struct session *session, struct session_header *header)
{
	memcpy(header, session->buffers->received, sizeof *header);
}

static uint8_t *payload_received(const struct session *session)
{
	return session->buffers->received + SESSION_HEADER_BYTES;
}

/* Where the input that has come goes. */
static int *input_of(struct job *job, struct session *session)
{
	return session->state == SESSION_ATTACHED ? &job->input.descriptor : &session->input;
}

/* Whether a whole SESSION_INPUT has come and is not written yet. */
static bool has_input(const struct session *session)
{
	struct session_header header;

	if (session->received < SESSION_HEADER_BYTES)
		return false;
	read_header(session, &header);
	return header.type == SESSION_INPUT && session->received == SESSION_HEADER_BYTES + header.size;
}

static void close_job_input(struct job *job)
{
	close_descriptor(&job->input.descriptor);
	for (int i = 0; i < SESSIONS_MAXIMUM; i++)
		if (job->sessions[i].buffers && job->sessions[i].state == SESSION_ATTACHED)
			job->sessions[i].owes_closed = true;
}

/* By the client, or because nobody reads it any more. */
static void close_input(struct job *job, struct session *session)
{
	if (session->state == SESSION_ATTACHED) {
		close_job_input(job);
		return;
	}
	close_descriptor(&session->input);
	session->owes_closed = true;
}

static void forget_order(struct session *session)
{
	session->received = 0;
	session->written = 0;
}

/* Writes as much as is taken without waiting. What is for an input that has ended is passed over. */
static void write_input(struct job *job, struct session *session)
{
	uint32_t size = session->received - SESSION_HEADER_BYTES;
	int *input = input_of(job, session);

	while (*input >= 0 && session->written < size) {
		ssize_t written = write(*input, payload_received(session) + session->written, size - session->written);

		if (written < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (written < 0) {
			close_input(job, session);
			break;
		}
		session->written += (uint32_t)written;
		if (session->state == SESSION_ATTACHED)
			job->input.taken += (uint64_t)written;
	}
	session->owes_taken = session->state == SESSION_ATTACHED;
	forget_order(session);
}

static bool attach(struct job *job, struct session *session)
{
	session->state = SESSION_ATTACHED;
	session->owes_closed = job->input.descriptor < 0;
	return send_number(job, session, SESSION_STARTED, job->input.taken);
}

/* For a command without a terminal: its ends in the order of 0, 1, 2, and ours in the session. */
static bool make_streams(const struct job *job, struct session *session, const struct exec_request *request, int theirs[PASS_MAXIMUM],
			 size_t *count, struct failure *failure)
{
	int ends[2];

	if (request->has_terminal)
		return true;
	if (request->has_input) {
		if (!make_pipe(job->plan, ends, WRITE_END, failure))
			return false;
		session->input = ends[WRITE_END];
		theirs[(*count)++] = ends[READ_END];
	}
	for (int output = 0; output < 2; output++) {
		if (!make_pipe(job->plan, ends, READ_END, failure))
			return false;
		session->outputs[output] = ends[READ_END];
		theirs[(*count)++] = ends[WRITE_END];
	}
	return true;
}

static bool pass_to_init(const struct job *job, const struct session *session, const int *theirs, size_t count, struct failure *failure)
{
	static struct init_request order;
	size_t payload_bytes = session->received - SESSION_HEADER_BYTES;
	size_t bytes = offsetof(struct init_request, payload) + payload_bytes;

	order.order = INIT_EXEC;
	order.session = session->number;
	memcpy(order.payload, payload_received(session), payload_bytes);
	return pass_send(job->init_socket, &order, bytes, theirs, count, MSG_DONTWAIT) == (ssize_t)bytes ||
	       failed(failure, "monitor", "sendmsg", "init");
}

/* False when the request is none, or the session is closed. */
static bool start_command(struct job *job, struct session *session)
{
	static struct exec_request request;
	int theirs[PASS_MAXIMUM] = {-1, -1, -1, -1};
	struct failure failure;
	size_t count = 0;
	bool passed;

	if (!session_read_request(payload_received(session), session->received - SESSION_HEADER_BYTES, &request))
		return false;
	if (job->phase != PHASE_RUNNING) {
		refused(&failure, "job", "exec", request.arguments[0], "the job does not run");
		return refuse(job, session, EXIT_REFUSED, &failure);
	}
	session->has_terminal = request.has_terminal;
	passed = make_streams(job, session, &request, theirs, &count, &failure) &&
		 pass_to_init(job, session, theirs, count, &failure);
	pass_close(theirs);
	if (!passed)
		return refuse(job, session, EXIT_REFUSED, &failure);
	session->state = SESSION_STARTING;
	return true;
}

static bool resize(struct job *job, struct session *session)
{
	int terminal = session->state == SESSION_ATTACHED ? job->input.terminal : session->has_terminal ? session->outputs[0] : -1;
	struct terminal_size size;

	if (!session_read_size(payload_received(session), session->received - SESSION_HEADER_BYTES, &size))
		return false;
	if (terminal >= 0)
		terminal_resize(terminal, size);
	return true;
}

/* Input, its end and sizes are for what has been attached or started. A terminal's input has no end but its own sign for it. */
static bool may_have_input(const struct job *job, const struct session *session, enum session_order type)
{
	bool attached = session->state == SESSION_ATTACHED;
	bool terminal = attached ? job->input.terminal >= 0 : session->has_terminal;

	return (attached || session->state == SESSION_RUNNING || session->state == SESSION_DRAINING) &&
	       !(type == SESSION_END_OF_INPUT && terminal);
}

/* A whole order. False when it is none, or the session is closed. */
static bool obey(struct job *job, struct session *session, enum session_order type)
{
	bool obeyed = true;

	if (type == SESSION_ATTACH || type == SESSION_EXEC) {
		if (session->state != SESSION_NEW)
			return false;
		obeyed = type == SESSION_ATTACH ? attach(job, session) : start_command(job, session);
	} else if (!may_have_input(job, session, type)) {
		return false;
	} else if (type == SESSION_INPUT) {
		write_input(job, session);
		return true;
	} else if (type == SESSION_END_OF_INPUT) {
		close_input(job, session);
	} else {
		obeyed = resize(job, session);
	}
	if (obeyed)
		forget_order(session);
	return obeyed;
}

/* @returns whether more may have come. */
static bool receive(struct job *job, struct session *session)
{
	struct session_header header = {.size = 0};
	uint32_t wanted = SESSION_HEADER_BYTES;
	ssize_t received;

	if (session->received >= SESSION_HEADER_BYTES) {
		read_header(session, &header);
		wanted += header.size;
	}
	received = recv(session->connection, session->buffers->received + session->received, wanted - session->received, MSG_DONTWAIT);
	if (received < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (received <= 0) {
		close_session(job, session);
		return false;
	}
	session->received += (uint32_t)received;
	if (session->received < wanted)
		return true;
	read_header(session, &header);
	if (!session_order_fits(&header) ||
	    (session->received == SESSION_HEADER_BYTES + header.size && !obey(job, session, header.type))) {
		if (session->buffers)
			close_session(job, session);
		return false;
	}
	return true;
}

/* Whether orders are read: not while input waits that nobody takes, and not before what it is for runs. */
static bool is_listening(const struct session *session)
{
	return session->state != SESSION_STARTING && session->state != SESSION_OVER && !has_input(session);
}

static void serve_session(struct job *job, struct session *session, const struct pollfd waits[WAITS_OF_SESSION])
{
	short connection = waits[WAIT_CONNECTION].revents;

	if (connection & (POLLHUP | POLLERR) && !(connection & POLLIN)) {
		close_session(job, session);
		return;
	}
	if (waits[WAIT_INPUT].revents && has_input(session))
		write_input(job, session);
	else if (waits[WAIT_INPUT].revents & (POLLERR | POLLHUP))
		close_input(job, session);
	while (session->buffers && is_listening(session) && receive(job, session))
		;
	for (int output = 0; session->buffers && output < 2; output++)
		if (waits[WAIT_OUTPUTS + output].revents && session->state == SESSION_RUNNING && !is_sending(session))
			pump_output(job, session, output);
	if (session->buffers)
		advance(job, session);
}

void sessions_serve(struct job *job, const struct pollfd *waits)
{
	for (int i = 0; i < SESSIONS_MAXIMUM; i++) {
		if (!job->sessions[i].buffers)
			continue;
		serve_session(job, &job->sessions[i], waits);
		waits += WAITS_OF_SESSION;
	}
	/* What one of them has done may be news for the others. */
	for (int i = 0; i < SESSIONS_MAXIMUM; i++)
		if (job->sessions[i].buffers)
			advance(job, &job->sessions[i]);
}

static void prepare(const struct job *job, const struct session *session, struct pollfd waits[WAITS_OF_SESSION])
{
	int input = session->state == SESSION_ATTACHED ? job->input.descriptor : session->input;
	bool reads = session->state == SESSION_RUNNING && !is_sending(session);

	waits[WAIT_CONNECTION] = (struct pollfd){
		.fd = session->connection,
		.events = (short)((is_listening(session) ? POLLIN : 0) | (is_sending(session) ? POLLOUT : 0)),
	};
	/* Without events it still tells that nobody reads it any more. */
	waits[WAIT_INPUT] = (struct pollfd){.fd = input, .events = has_input(session) ? POLLOUT : 0};
	for (int output = 0; output < 2; output++)
		waits[WAIT_OUTPUTS + output] = (struct pollfd){.fd = reads ? session->outputs[output] : -1, .events = POLLIN};
}

nfds_t sessions_prepare(const struct job *job, struct pollfd *waits)
{
	nfds_t count = 0;

	for (int i = 0; i < SESSIONS_MAXIMUM; i++) {
		if (!job->sessions[i].buffers)
			continue;
		prepare(job, &job->sessions[i], waits + count);
		count += WAITS_OF_SESSION;
	}
	return count;
}

void session_open(struct job *job, int connection)
{
	struct session *session = job->sessions;
	void *memory;

	while (session < job->sessions + SESSIONS_MAXIMUM && session->buffers)
		session++;
	if (session == job->sessions + SESSIONS_MAXIMUM) {
		close(connection);
		return;
	}
	memory = mmap(NULL, sizeof *session->buffers, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		close(connection);
		return;
	}
	*session = (struct session){
		.buffers = memory,
		.connection = connection,
		.number = ++job->sessions_begun,
		.input = -1,
		.outputs = {-1, -1},
	};
}

static struct session *find(struct job *job, uint32_t number)
{
	for (int i = 0; i < SESSIONS_MAXIMUM; i++)
		if (job->sessions[i].buffers && job->sessions[i].number == number && has_command(&job->sessions[i]))
			return &job->sessions[i];
	return NULL;
}

void session_started(struct job *job, uint32_t number, int master)
{
	struct session *session = find(job, number);

	if (!session) {
		close_descriptor(&master);
		return;
	}
	session->state = SESSION_RUNNING;
	if (session->has_terminal) {
		fcntl(master, F_SETFL, O_NONBLOCK);
		session->outputs[0] = master;
		session->input = fcntl(master, F_DUPFD_CLOEXEC, 0);
	}
	send_number(job, session, SESSION_STARTED, 0);
}

void session_refused(struct job *job, uint32_t number, int exit_code, const struct failure *failure)
{
	struct session *session = find(job, number);

	if (session && refuse(job, session, (uint32_t)exit_code, failure))
		advance(job, session);
}

void session_ended(struct job *job, uint32_t number, int status)
{
	struct session *session = find(job, number);

	if (!session)
		return;
	session->state = SESSION_DRAINING;
	session->status = status;
	session->unread = OUTPUT_LEFT_MAXIMUM;
	close_descriptor(&session->input);
	advance(job, session);
}

void sessions_close(struct job *job)
{
	for (int i = 0; i < SESSIONS_MAXIMUM; i++) {
		struct session *session = &job->sessions[i];

		if (!session->buffers)
			continue;
		if (has_command(session))
			session_ended(job, session->number, SIGKILL);
		if (session->buffers)
			close_session(job, session);
	}
	close_descriptor(&job->input.descriptor);
}
