#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "a secret of the host"

/* On the host, or in another job: one object of each kind, open to everyone. KEY for System V, NAME for POSIX. */
static void plant(char **arguments)
{
	key_t key = (key_t)number(arguments[0]);
	int segment = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666);
	if (segment < 0)
		failed("shmget", arguments[0]);
	char *memory = shmat(segment, NULL, 0);
	if (memory == (void *)-1)
		failed("shmat", arguments[0]);
	strcpy(memory, SECRET);
	if (semget(key, 1, IPC_CREAT | IPC_EXCL | 0666) < 0)
		failed("semget", arguments[0]);
	if (msgget(key, IPC_CREAT | IPC_EXCL | 0666) < 0)
		failed("msgget", arguments[0]);
	mqd_t queue = mq_open(arguments[1], O_CREAT | O_EXCL | O_RDWR, 0666, NULL);
	if (queue < 0)
		failed("mq_open", arguments[1]);
	fchmod(queue, 0666);
	exit(0);
}

/* On the host: removes them again. */
static void clear(char **arguments)
{
	key_t key = (key_t)number(arguments[0]);
	shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
	semctl(semget(key, 0, 0), 0, IPC_RMID);
	msgctl(msgget(key, 0), IPC_RMID, NULL);
	mq_unlink(arguments[1]);
	exit(0);
}

static void shared_memory(char **arguments)
{
	int segment = shmget((key_t)number(arguments[0]), 0, 0);
	if (segment < 0)
		refused("shmget", arguments[0]);
	char *memory = shmat(segment, NULL, SHM_RDONLY);
	if (memory == (void *)-1)
		refused("shmat", arguments[0]);
	escaped("read the segment: %s", memory);
}

static void semaphore(char **arguments)
{
	if (semget((key_t)number(arguments[0]), 0, 0) < 0)
		refused("semget", arguments[0]);
	escaped("has the semaphore");
}

static void message_queue(char **arguments)
{
	if (msgget((key_t)number(arguments[0]), 0) < 0)
		refused("msgget", arguments[0]);
	escaped("has the message queue");
}

static void posix_queue(char **arguments)
{
	if (mq_open(arguments[0], O_RDWR) < 0)
		refused("mq_open", arguments[0]);
	escaped("has the POSIX message queue");
}

const struct program IPC[] = {
	{ "ipc.plant", 2, plant },
	{ "ipc.clear", 2, clear },
	{ "ipc.shared-memory", 1, shared_memory },
	{ "ipc.semaphore", 1, semaphore },
	{ "ipc.message-queue", 1, message_queue },
	{ "ipc.posix-queue", 1, posix_queue },
	{ 0 },
};
