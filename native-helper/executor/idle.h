/* What a process gives back when it is going to wait for long. */
#ifndef JOBLET_IDLE_H
#define JOBLET_IDLE_H

/* A job that lives longer than this is worth the trouble; one that is shorter never notices. */
enum { IDLE_AFTER_MS = 1000 };

/*
 * Unmaps the pages of our executable that nobody has written: the kernel maps 64 KiB around each page that is touched, and most of that
 * was for the start. What is needed again is mapped again.
 */
void idle_release_code(void);

#endif
