/*
 * folder.h - a temporary folder as the state of a cmocka test.
 */
#ifndef QUIRE_TESTS_FOLDER_H
#define QUIRE_TESTS_FOLDER_H

/* An empty folder, and the paths of two files that a test may write into it:
 * model.gguf and other.gguf. */
struct folder {
	char *path;
	char *file;
	char *other;
};

int folder_set_up(void **state);
/* Removes the folder and the files in it. */
int folder_tear_down(void **state);

/* An entry of cmocka's table: a test whose state is a folder. */
#define FOLDER_TEST(test)                                                      \
	cmocka_unit_test_setup_teardown((test), &folder_set_up,                \
					&folder_tear_down)

#endif
