#define _GNU_SOURCE
#include "terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

/* Documentation/admin-guide/devices.txt: the multiplexer is 5:2, in each instance of devpts. */
enum { MULTIPLEXER_MAJOR = 5, MULTIPLEXER_MINOR = 2 };
static const char MULTIPLEXER[] = "/dev/pts/ptmx";

/* The kernel looks for the other end beside the multiplexer itself, so no path can lead to another pair (TIOCGPTPEER, ioctl_tty(2)). */
static int open_slave(int master)
{
	int locked = 0;

	return ioctl(master, TIOCSPTLCK, &locked) < 0 ? -1 : ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Else the erase key takes away one byte of a letter. */
static void expect_utf8(int slave)
{
	struct termios settings;

	if (tcgetattr(slave, &settings) == 0) {
		settings.c_iflag |= IUTF8;
		tcsetattr(slave, TCSANOW, &settings);
	}
}

bool terminal_open(struct terminal *terminal, struct terminal_size size, struct failure *failure)
{
	struct stat found = {0};

	terminal->master = open(MULTIPLEXER, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (terminal->master < 0)
		return failed(failure, "terminal", "open", MULTIPLEXER);
	fstat(terminal->master, &found);
	if (!S_ISCHR(found.st_mode) || found.st_rdev != makedev(MULTIPLEXER_MAJOR, MULTIPLEXER_MINOR)) {
		close(terminal->master);
		return refused(failure, "terminal", "fstat", MULTIPLEXER, "is not the multiplexer of terminals");
	}
	terminal->slave = open_slave(terminal->master);
	if (terminal->slave < 0) {
		failed(failure, "terminal", "ioctl TIOCGPTPEER", MULTIPLEXER);
		close(terminal->master);
		return false;
	}
	expect_utf8(terminal->slave);
	terminal_resize(terminal->slave, size);
	return true;
}

void terminal_resize(int descriptor, struct terminal_size size)
{
	const struct winsize cells = {.ws_col = (unsigned short)size.columns, .ws_row = (unsigned short)size.rows};

	ioctl(descriptor, TIOCSWINSZ, &cells);
}
