#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_all(int file, char *buffer, size_t capacity)
{
	size_t length = 0;

	for (;;) {
		ssize_t count = read(file, buffer + length, capacity - length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		if (count == 0)
			return (ssize_t)length;
		length += (size_t)count;
		if (length == capacity) {
			errno = EOVERFLOW;
			return -1;
		}
	}
}

ssize_t file_read(int folder, const char *path, char *buffer, size_t capacity)
{
	int file = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	int error;

	if (file < 0)
		return -1;
	length = read_all(file, buffer, capacity);
	error = errno;
	close(file);
	errno = error;
	if (length < 0)
		return -1;
	if (length > 0 && buffer[length - 1] == '\n')
		length--;
	buffer[length] = '\0';
	return length;
}

int file_write(int folder, const char *path, const char *value)
{
	size_t length = strlen(value);
	int file = openat(folder, path, O_WRONLY | O_CLOEXEC);
	ssize_t written;
	int error;

	if (file < 0)
		return -1;
	written = write(file, value, length);
	error = written < 0 ? errno : EIO;
	close(file);
	errno = error;
	return written == (ssize_t)length ? 0 : -1;
}

bool parse_unsigned(const char *text, uint64_t *value)
{
	uint64_t result = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(result, 10, &result) || __builtin_add_overflow(result, (uint64_t)(*at - '0'), &result))
			return false;
	*value = result;
	return at > text && (*at == '\0' || *at == '\n' || *at == ' ' || *at == '\t');
}

const char *find_line(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0)
			return line + length + strspn(line + length, " \t");
	}
	return NULL;
}
