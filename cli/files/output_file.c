/*
 * output_file.c - a stream over base/output.h's temporary file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/files/output_file.h"
#include "cli/files/output_path.h"
#include "cli/ui/signals.h"
#include "cli/ui/trouble.h"

static bool fail(const char *name)
{
	trouble("%s: cannot write: %s", name, strerror(errno));
	return false;
}

static bool open_stdout(struct output_file *file)
{
	if (quire_file_is_terminal(FILE_STDOUT)) {
		trouble("stdout is a terminal, and this is binary; "
			"name a file or redirect");
		return false;
	}
	file->stream = stdout;
	return true;
}

/* Whoever may write to the folder may have put a file there meanwhile: it is
 * not written to. */
static bool open_in_place(struct output_file *file)
{
	const int device = quire_file_open_device(file->name);
	struct file_facts facts;

	if (device >= 0 && quire_file_facts(device, &facts) &&
	    facts.kind == FILE_OTHER)
		file->stream = quire_stream_open(device);
	if (file->stream)
		return true;
	fail(file->name);
	if (device >= 0)
		quire_file_close(device);
	return false;
}

/* The path without links, to be freed; NULL: it was reported. A link of
 * somebody else may lead anywhere. */
static char *find_target(const char *name)
{
	struct file_facts link;
	char *target;

	if (!quire_link_facts(name, &link))
		return strdup(name); /* a new file */
	if (link.kind != FILE_REGULAR && !quire_file_is_own(&link) &&
	    link.owner != 0) {
		trouble("%s: is a link of another user; name its target", name);
		return NULL;
	}
	target = quire_path_resolve(name);
	if (!target)
		fail(name);
	return target;
}

/* The stream has its own descriptor. Closing it leaves the output open, which
 * is then flushed to the disk. */
static bool open_stream(struct output_file *file)
{
	const int own = quire_file_keep(file->output.file);

	file->stream = own < 0 ? NULL : quire_stream_open(own);
	if (file->stream)
		return true;
	fail(file->name);
	if (own >= 0)
		quire_file_close(own);
	return false;
}

static bool report(const struct output_file *file, const quire_error *error)
{
	const char *const paths[] = { file->name, NULL };

	trouble_with_files(paths, error);
	return false;
}

static bool open_temporary(struct output_file *file, bool force)
{
	char *target = find_target(file->name);
	quire_status status;
	quire_error error;

	if (!target)
		return false;
	status = quire_output_open(&file->output, target, force, &error);
	free(target);
	if (status != QUIRE_OK)
		return report(file, &error);
	return open_stream(file);
}

bool output_file_open(struct output_file *file, const char *name, bool force)
{
	struct file_facts old;
	const bool exists = quire_path_facts(name, &old);

	*file = (struct output_file){ .name = name, .output.file = -1 };
	if (strcmp(name, "-") == 0)
		return open_stdout(file);
	if (exists && old.kind == FILE_OTHER)
		return open_in_place(file);
	if (!output_path_allowed(name, force))
		return false;
	signals_hold();
	file->held = true;
	if (open_temporary(file, force))
		return true;
	output_file_discard(file);
	return false;
}

/* Closes the stream. */
static bool flush(struct output_file *file)
{
	bool done;

	errno = EIO; /* where only the stream remembers the error */
	done = fflush(file->stream) == 0 && !ferror(file->stream);
	if (fclose(file->stream) != 0)
		done = false;
	file->stream = NULL;
	return done;
}

bool output_file_commit(struct output_file *file)
{
	quire_error error;
	bool done;

	if (file->stream == stdout)
		return true; /* main checks that stdout was written */
	done = flush(file);
	if (!done)
		fail(file->name);
	if (done && file->output.path)
		done = quire_output_commit(&file->output, &error) == QUIRE_OK ||
		       report(file, &error);
	output_file_discard(file);
	return done;
}

void output_file_discard(struct output_file *file)
{
	const bool held = file->held;

	if (file->stream && file->stream != stdout)
		fclose(file->stream);
	if (file->output.path)
		quire_output_discard(&file->output);
	*file = (struct output_file){ .name = file->name, .output.file = -1 };
	if (held)
		signals_release();
}
