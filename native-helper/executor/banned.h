/*
 * Calls that no file of the executor may make. The build includes this header before each of them (src-main/setup/build/executor.ts), so none
 * can forget it. Fields and variables may have these names.
 */
#ifndef JOBLET_BANNED_H
#define JOBLET_BANNED_H

#define _GNU_SOURCE

/* What declares them has to be read before a word has its other meaning. */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define BANNED_PRAGMA(text) _Pragma(#text)
#define BANNED(why) BANNED_PRAGMA(GCC error why)

#define NO_BOUND "banned: writes without a bound (CWE-120); use text.h"
#define gets(...) BANNED(NO_BOUND)
#define strcpy(...) BANNED(NO_BOUND)
#define stpcpy(...) BANNED(NO_BOUND)
#define strcat(...) BANNED(NO_BOUND)
#define sprintf(...) BANNED(NO_BOUND)
#define vsprintf(...) BANNED(NO_BOUND)
#define sscanf(...) BANNED(NO_BOUND)

#define NO_END "banned: what it writes may lack its end; use text.h"
#define strncpy(...) BANNED(NO_END)
#define strncat(...) BANNED(NO_END)

#define FORMAT "banned: a value can become the format (CWE-134); use text.h"
#define printf(...) BANNED(FORMAT)
#define fprintf(...) BANNED(FORMAT)
#define snprintf(...) BANNED(FORMAT)
#define vsnprintf(...) BANNED(FORMAT)
#define dprintf(...) BANNED(FORMAT)

#define SHELL "banned: a shell, or a search in the executor's own environment (CVE-2025-23266); use execve(2)"
#define system(...) BANNED(SHELL)
#define popen(...) BANNED(SHELL)
#define execlp(...) BANNED(SHELL)
#define execvp(...) BANNED(SHELL)
#define execvpe(...) BANNED(SHELL)

#define chroot(...) BANNED("banned: the old root stays within reach; use pivot_root(2)")

#define BY_PATH "banned: looks its target up when it mounts (CVE-2019-16884, CVE-2021-30465); use open_tree, move_mount, mount_setattr"
#undef mount
#define mount(...) BANNED(BY_PATH)

#define LINKS "banned: follows links that may change (CVE-2024-0132, CVE-2025-31133); use openat2(2) below a held folder, and f...()"
#define creat(...) BANNED(LINKS)
#define fopen(...) BANNED(LINKS)
#define opendir(...) BANNED(LINKS)
#define chmod(...) BANNED(LINKS)
#define chown(...) BANNED(LINKS)
#define lchown(...) BANNED(LINKS)
#define truncate(...) BANNED(LINKS)
#define rename(...) BANNED(LINKS)
#define link(...) BANNED(LINKS)
#define realpath(...) BANNED(LINKS)

#define CHECK_THEN_USE "banned: what is opened later may be something else; use fstat(2) on the descriptor"
#define access(...) BANNED(CHECK_THEN_USE)
#define lstat(...) BANNED(CHECK_THEN_USE)
#define statfs(...) BANNED(CHECK_THEN_USE)
#define statvfs(...) BANNED(CHECK_THEN_USE)

#define GUESSED "banned: a name that can be guessed"
#define mktemp(...) BANNED(GUESSED)
#define tmpnam(...) BANNED(GUESSED)
#define tempnam(...) BANNED(GUESSED)

#define ONE_ID "banned: changes one id of three and leaves a way back; use setresuid(2), setresgid(2)"
#define setuid(...) BANNED(ONE_ID)
#define setgid(...) BANNED(ONE_ID)
#define seteuid(...) BANNED(ONE_ID)
#define setegid(...) BANNED(ONE_ID)
#define setreuid(...) BANNED(ONE_ID)
#define setregid(...) BANNED(ONE_ID)

#define ANY_NUMBER "banned: takes what is no number for 0; use parse_unsigned() of files.h"
#define atoi(...) BANNED(ANY_NUMBER)
#define atol(...) BANNED(ANY_NUMBER)
#define atoll(...) BANNED(ANY_NUMBER)
#define strtol(...) BANNED(ANY_NUMBER)
#define strtoul(...) BANNED(ANY_NUMBER)

#define ALLOCATES "banned: the executor holds only what its types bound, so no plan makes it grow"
#define malloc(...) BANNED(ALLOCATES)
#define calloc(...) BANNED(ALLOCATES)
#define realloc(...) BANNED(ALLOCATES)
#define strdup(...) BANNED(ALLOCATES)
#undef alloca
#define alloca(...) BANNED(ALLOCATES)

#endif
