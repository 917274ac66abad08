#define _GNU_SOURCE
#include "control.h"

#include "files.h"
#include "pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void keep_passed(struct control *control, int descriptor)
{
	if (control->passed >= 0)
		close(control->passed);
	control->passed = descriptor;
}

void control_close(struct control *control)
{
	keep_passed(control, -1);
	if (control->connection >= 0)
		close(control->connection);
	control->connection = -1;
	control->line_bytes = 0;
}

bool control_listen(struct control *control, int folder, const char *name, struct failure *failure)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* By the folder's descriptor, so that the address is short wherever the root lies (unix(7): 107 bytes). */
	struct text path = TEXT_IN(address.sun_path);

	text_add(&path, "/proc/self/fd/");
	text_add_unsigned(&path, (uint64_t)folder);
	text_add(&path, "/");
	text_add(&path, name);
	text_string(&path);
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0)
		return failed(failure, "monitor", "socket", name);
	if (bind(control->listener, (struct sockaddr *)&address, sizeof address) < 0)
		return failed(failure, "monitor", "bind", name);
	return listen(control->listener, 4) == 0 || failed(failure, "monitor", "listen", name);
}

/* The folder is root's alone; this is for the day when it isn't. */
static bool is_root(int connection)
{
	struct ucred peer;
	socklen_t bytes = sizeof peer;

	return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.uid == geteuid();
}

bool control_accept(struct control *control)
{
	int connection = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);

	if (connection < 0)
		return false;
	if (!is_root(connection)) {
		close(connection);
		return false;
	}
	control_close(control);
	control->connection = connection;
	return true;
}

void control_send(struct control *control, const struct text *line)
{
	if (control->connection >= 0 && send(control->connection, line->buffer, line->length, MSG_DONTWAIT | MSG_NOSIGNAL) !=
						(ssize_t)line->length)
		control_close(control);
}

/* Takes the first whole line out of what has been read; false when there is none yet. */
static bool take_line(struct control *control, char *line)
{
	char *end = memchr(control->line, '\n', control->line_bytes);
	size_t length;

	if (!end)
		return false;
	length = (size_t)(end - control->line);
	memcpy(line, control->line, length);
	line[length] = '\0';
	control->line_bytes -= length + 1;
	memmove(control->line, end + 1, control->line_bytes);
	return true;
}

/* Whether the line is the word and a number, in decimal digits. */
static bool is_numbered(const char *line, const char *word, uint64_t *number)
{
	const char *digits = line + strlen(word);

	return strncmp(line, word, strlen(word)) == 0 && strspn(digits, "0123456789") == strlen(digits) && parse_unsigned(digits, number);
}

static enum control_order parse_order(struct control *control, const char *line, struct control_arguments *arguments)
{
	if (strcmp(line, "kill") == 0)
		return ORDER_KILL;
	if (strcmp(line, "pause") == 0)
		return ORDER_PAUSE;
	if (strcmp(line, "resume") == 0)
		return ORDER_RESUME;
	if (is_numbered(line, "stop ", &arguments->number))
		return ORDER_STOP;
	if (is_numbered(line, "memory ", &arguments->number))
		return ORDER_MEMORY;
	if (strcmp(line, "session") == 0 && control->passed >= 0) {
		arguments->session = control->passed;
		control->passed = -1;
		return ORDER_SESSION;
	}
	return ORDER_NONE;
}

/* As recv(2) into the rest of the line. Of the descriptors beside it the first counts. */
static ssize_t receive(struct control *control, size_t room)
{
	int passed[PASS_MAXIMUM];
	ssize_t received = pass_receive(control->connection, control->line + control->line_bytes, room, passed, MSG_DONTWAIT);

	if (passed[0] >= 0) {
		keep_passed(control, passed[0]);
		passed[0] = -1;
		pass_close(passed);
	}
	return received;
}

enum control_order control_receive(struct control *control, struct control_arguments *arguments)
{
	char line[sizeof control->line];
	size_t room = sizeof control->line - control->line_bytes;
	ssize_t received;
	enum control_order order;

	if (!take_line(control, line)) {
		received = room == 0 ? 0 : receive(control, room);
		if (received < 0 && (errno == EAGAIN || errno == EINTR))
			return ORDER_NONE;
		if (received <= 0) {
			control_close(control);
			return ORDER_NONE;
		}
		control->line_bytes += (size_t)received;
		if (!take_line(control, line))
			return ORDER_NONE;
	}
	order = parse_order(control, line, arguments);
	if (order == ORDER_NONE)
		control_close(control);
	return order;
}
