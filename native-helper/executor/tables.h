/* Tells when tables of the machine's packet filter come and go: another program may take ours away. */
#ifndef JOBLET_TABLES_H
#define JOBLET_TABLES_H

/*
 * `tables PREFIX`: says `ready` once it listens, then a line for each table whose name begins so: `+FAMILY NAME` when it has been made,
 * `-FAMILY NAME` when it is gone, and `?` when the kernel had more to tell than it could keep. Ends with whoever started it.
 *
 * @returns the exit code when it can't listen.
 */
int tables_watch(const char *prefix);

#endif
