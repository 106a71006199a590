/*
 * version.c - a program that links the converter library alone.
 */
#include <stdio.h>
#include <string.h>

#include "quire_convert.h"

int main(void)
{
	quire_error error;
	const quire_status status = quire_convert_onnx(
	    "absent.onnx", "absent.gguf", NULL, NULL, &error);

	printf("%s: %s: %s\n", quire_version(), error.path, error.message);
	return status == QUIRE_ERROR_IO &&
		       strcmp(error.path, "absent.onnx") == 0
		   ? 0
		   : 1;
}
