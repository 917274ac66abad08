/* Small files of /proc and the cgroup tree, relative to an open folder. */
#ifndef JOBLET_FILES_H
#define JOBLET_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads a whole file that fits into the buffer, takes off the newline at its end and puts a NUL there.
 * @returns its length, or −1 with errno (EOVERFLOW when it doesn't fit).
 */
ssize_t file_read(int folder, const char *path, char *buffer, size_t capacity);

/* Writes a whole value by one write(2), as kernel interface files want it. −1 with errno. */
int file_write(int folder, const char *path, const char *value);

/* Decimal digits up to the end or to white space; false when there are none or they exceed 2⁶⁴−1. */
bool parse_unsigned(const char *text, uint64_t *value);

/* The rest of the line that begins with `key`, white space skipped; NULL when there is none. The line ends with \n or NUL. */
const char *find_line(const char *text, const char *key);

#endif
