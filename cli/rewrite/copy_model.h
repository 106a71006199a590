/*
 * copy_model.h - a quire_copy for the commands stamp, strip, edit, merge and
 * split. A call that returns false or an exit code has printed the error.
 *
 *	struct copy copy;
 *	if (!copy_open(&copy, "a.gguf", false))
 *		return EXIT_TROUBLE;
 *	... look at copy.model and copy.info ...
 *	code = copy_write(&copy, "b.gguf", &how);
 *	copy_close(&copy);
 */
#ifndef QUIRE_CLI_REWRITE_COPY_MODEL_H
#define QUIRE_CLI_REWRITE_COPY_MODEL_H

#include "cli/ui/progress.h"
#include "quire.h"

struct copy {
	const char *path;   /* as it was given */
	quire_copy *source; /* has the files and the model */
	const char **names; /* of the files; of the model or `path` */
	size_t file_count;
	const quire_model *model;
	quire_model_info info;
	/* The new file or set, after copy_write. */
	quire_model *made;
	quire_model_info result;
	struct progress progress;
};

/* Opens a file, or the set that has it as a part. `lenient`: a header that
 * another tool edited is allowed. */
bool copy_open(struct copy *copy, const char *path, bool lenient);
void copy_close(struct copy *copy);

/* The path of the first file that copy_write has written. */
const char *copy_made_path(const struct copy *copy);

/* The alignment that a copy keeps: the model's; but another tool may have given
 * a container one that is less than a container may have. */
uint32_t copy_alignment(const struct copy *copy);

/* quire_copy_write to `output` (see copy_output.h) with a progress bar; then
 * opens what was written. Returns an exit code. */
int copy_write(struct copy *copy, const char *output,
	       const quire_copy_options *how);

#endif
