/*
 * output_file.c - a stream over base/output.h's temporary file.
 */
#include <errno.h>
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

/* errno says why; a folder that is not there says so. */
static bool fail_open(const char *name)
{
	const int why = errno;

	if (why == ENOENT && !output_path_has_folder(name))
		return false;
	errno = why;
	return fail(name);
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

static bool open_in_place(struct output_file *file)
{
	file->stream = fopen(file->name, "wb");
	return file->stream || fail(file->name);
}

/* The stream has its own descriptor. Closing it leaves the output open, which
 * is then flushed to the disk. */
static bool open_temporary(struct output_file *file)
{
	int own;

	if (!quire_output_open_unlocked(&file->output, file->name))
		return fail_open(file->name);
	own = quire_file_keep(file->output.file);
	file->stream = own < 0 ? NULL : quire_stream_open(own);
	if (file->stream)
		return true;
	fail(file->name);
	if (own >= 0)
		quire_file_close(own);
	return false;
}

bool output_file_open(struct output_file *file, const char *name)
{
	struct file_facts old;
	const bool exists = quire_path_facts(name, &old);

	*file = (struct output_file){ .name = name, .output.file = -1 };
	if (strcmp(name, "-") == 0)
		return open_stdout(file);
	if (exists && old.kind == FILE_FOLDER) {
		trouble("%s: is a folder; name a file in it", name);
		return false;
	}
	if (exists && old.kind != FILE_REGULAR)
		return open_in_place(file);
	signals_hold();
	file->held = true;
	if (open_temporary(file))
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
	bool done;

	if (file->stream == stdout)
		return true; /* main checks that stdout was written */
	done = flush(file);
	if (done && file->output.path)
		done = quire_output_commit(&file->output, NULL) == QUIRE_OK;
	if (!done)
		fail(file->name);
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
