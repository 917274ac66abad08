#define _GNU_SOURCE
#include "report.h"

#include "layer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void note_difference(struct report *report, const char *layer, const char *item, const char *asked, const char *kernel)
{
	char object[512], message[256];
	struct text what = TEXT_IN(object), difference = TEXT_IN(message);

	text_add(&what, layer);
	text_add(&what, " ");
	text_add(&what, item);
	text_add(&difference, "asked: ");
	text_add(&difference, asked);
	text_add(&difference, "; the kernel says: ");
	text_add(&difference, kernel);
	report->ok = refused(report->failure, "report", "read back", text_string(&what), text_string(&difference));
}

void report_line(struct report *report, const char *layer, const char *item, const char *asked, const char *kernel, bool ok)
{
	struct text *text = report->text;

	text_add(text, text->last == '[' ? "\n{" : ",\n{");
	json_string_field(text, "layer", layer);
	json_string_field(text, "item", item);
	json_string_field(text, "asked", asked);
	json_string_field(text, "kernel", kernel);
	json_name(text, "ok");
	text_add(text, ok ? "true}" : "false}");
	if (!ok && report->ok && LAYER("report"))
		note_difference(report, layer, item, asked, kernel);
}

void report_equal(struct report *report, const char *layer, const char *item, const char *asked, const char *kernel)
{
	report_line(report, layer, item, asked, kernel, strcmp(asked, kernel) == 0);
}

int report_open(const struct report_subject *subject, const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};

	return (int)syscall(SYS_openat2, subject->root, path, &how, sizeof how);
}

static int open_process(pid_t init)
{
	char buffer[32];
	struct text path = TEXT_IN(buffer);

	text_add(&path, "/proc/");
	text_add_unsigned(&path, (uint64_t)init);
	return open(text_string(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void compare_all(const struct report_subject *subject, struct report *report)
{
	struct text *text = report->text;

	text_add(text, "{");
	json_number_field(text, "version", 1);
	json_string_field(text, "job", subject->plan->uuid);
	json_name(text, "lines");
	text_add(text, "[");
	report_process(report, subject);
	report_landlock(report, subject);
	report_mounts(report, subject);
	report_terminal(report, subject);
	text_add(text, "\n]}\n");
}

bool report_publish(struct text *text, int folder, struct failure *failure)
{
	static const char WRITTEN[] = "report.json.new", WHOLE[] = "report.json";
	bool written;

	text->fd = openat(folder, WRITTEN, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (text->fd < 0)
		return failed(failure, "report", "open", WRITTEN);
	written = text_flush(text);
	close(text->fd);
	errno = text->error;
	return (written && renameat(folder, WRITTEN, folder, WHOLE) == 0) || failed(failure, "report", "write", WHOLE);
}

bool report_compare(const struct report_subject *given, struct text *text, struct failure *failure)
{
	struct report report = {.text = text, .failure = failure, .ok = true};
	struct report_subject subject = *given;

	subject.process = open_process(subject.init);
	subject.root = openat(subject.process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (subject.process < 0 || subject.root < 0)
		return failed(failure, "report", "open", "/proc/<init>/root");
	compare_all(&subject, &report);
	close(subject.root);
	close(subject.process);
	if (text->overflow)
		return refused(failure, "report", "read back", "report", "is larger than can be kept");
	return report.ok;
}
