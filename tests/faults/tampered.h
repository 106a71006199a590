/*
 * tampered.h - files that somebody changes who can change their checksums too,
 * and the verifier of manifests, which must find it.
 */
#ifndef QUIRE_TESTS_TAMPERED_H
#define QUIRE_TESTS_TAMPERED_H

#include "quire.h"

/* Of a split set, the parts; else one file. */
#define SCENE_FILES_MAX 4

struct scene_file {
	char *path;
	unsigned char *good;  /* as it was listed */
	unsigned char *bytes; /* as it is */
	size_t size;
	/* Where the header has its own checksum, those of tensors, and those
	 * of the set's parts; 0: it has none. */
	size_t header_at, tensors_at, parts_at;
	quire_part part;
};

struct scene {
	char *folder;
	char *list; /* its path */
	struct scene_file files[SCENE_FILES_MAX];
	size_t count;
	quire_model *model; /* of the good files, opened from a copy */
	char *copy;	    /* the folder of it */
};

/* Copies the files into a new folder, and has `quire hash --algorithm sha256`
 * make a list of them. `paths` ends with NULL. */
struct scene scene_make(const char *const *paths);
void scene_remove(struct scene *scene);

/* Makes all checksums right of `bytes` as it is: of tensors, headers and, in
 * part 0, of the other parts' headers. */
void scene_put_right(struct scene *scene);

/* Writes the files whose `bytes` are not `good`, and verifies. Then the files
 * are good again, and `bytes` are. Returns an exit code; the scene's list is
 * taken if `list` is NULL. */
int scene_try(struct scene *scene, const char *list, bool tensors_only);

/* The same of the files as they are on the disk; changes nothing. */
int scene_verify(const struct scene *scene, const char *list,
		 bool tensors_only);

/* What was printed last as an error. */
const char *scene_message(void);

#endif
