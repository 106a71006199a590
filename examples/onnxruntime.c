/*
 * onnxruntime.c - runs an unmodified ONNX model with inputs of f32 from its
 * container, in ONNX Runtime 1.24 or later:
 *
 *	onnxruntime LIBRARY MODEL.onnx [CONTAINER.gguf]
 *
 * LIBRARY is libquire_onnxruntime.so; the container is MODEL.gguf if it is not
 * given. Prints the outputs' sizes and means for inputs of ones. It needs ONNX
 * Runtime's headers and library:
 *
 *	cc -I HEADERS onnxruntime.c -o onnxruntime -L FOLDER -lonnxruntime
 */
#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST	 16 /* inputs, outputs, dimensions */
#define ANY_SIZE 4  /* of a dimension that the model leaves open */

static const OrtApi *api;

/* Ends the program if a call has failed. */
static void check(OrtStatus *status)
{
	if (!status)
		return;
	fprintf(stderr, "%s\n", api->GetErrorMessage(status));
	exit(1);
}

/* Options of a session that runs on Quire's execution provider. */
static OrtSessionOptions *make_options(OrtEnv *env, const char *library,
				       const char *container)
{
	const char *const keys[] = { "container" };
	const char *const values[] = { container };
	const OrtEpDevice *const *devices;
	const OrtEpDevice *ours = NULL;
	OrtSessionOptions *options;
	size_t count;

	check(api->RegisterExecutionProviderLibrary(env, "quire", library));
	check(api->GetEpDevices(env, &devices, &count));
	for (size_t i = 0; i < count; i++)
		if (strcmp(api->EpDevice_EpName(devices[i]),
			   "QuireExecutionProvider") == 0)
			ours = devices[i];
	check(api->CreateSessionOptions(&options));
	check(api->SessionOptionsAppendExecutionProvider_V2(
	    options, env, &ours, 1, keys, values, container ? 1 : 0));
	return options;
}

/* An input of ones. */
static OrtValue *make_input(const OrtSession *session, size_t index,
			    OrtAllocator *allocator)
{
	const OrtTensorTypeAndShapeInfo *info;
	OrtTypeInfo *type;
	OrtValue *value;
	int64_t dims[MOST];
	size_t rank, count = 1;
	float *x;

	check(api->SessionGetInputTypeInfo(session, index, &type));
	check(api->CastTypeInfoToTensorInfo(type, &info));
	check(api->GetDimensionsCount(info, &rank));
	check(api->GetDimensions(info, dims, rank < MOST ? rank : MOST));
	for (size_t i = 0; i < rank && i < MOST; i++) {
		dims[i] = dims[i] < 0 ? ANY_SIZE : dims[i];
		count *= (size_t)dims[i];
	}
	check(api->CreateTensorAsOrtValue(allocator, dims, rank,
					  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
					  &value));
	check(api->GetTensorMutableData(value, (void **)&x));
	for (size_t i = 0; i < count; i++)
		x[i] = 1;
	api->ReleaseTypeInfo(type);
	return value;
}

static void print_mean(const char *name, OrtValue *value)
{
	OrtTensorTypeAndShapeInfo *info;
	size_t count;
	double sum = 0;
	float *y;

	check(api->GetTensorTypeAndShape(value, &info));
	check(api->GetTensorShapeElementCount(info, &count));
	check(api->GetTensorMutableData(value, (void **)&y));
	for (size_t i = 0; i < count; i++)
		sum += y[i];
	printf("%s: %zu values, mean %.6g\n", name, count, sum / (double)count);
	api->ReleaseTensorTypeAndShapeInfo(info);
}

static void run(OrtSession *session)
{
	OrtValue *inputs[MOST], *outputs[MOST] = { NULL };
	char *in[MOST], *out[MOST];
	OrtAllocator *allocator;
	size_t in_count, out_count;

	check(api->GetAllocatorWithDefaultOptions(&allocator));
	check(api->SessionGetInputCount(session, &in_count));
	check(api->SessionGetOutputCount(session, &out_count));
	if (in_count > MOST || out_count > MOST) {
		fprintf(stderr, "too many inputs or outputs\n");
		exit(1);
	}
	for (size_t i = 0; i < in_count; i++) {
		check(api->SessionGetInputName(session, i, allocator, &in[i]));
		inputs[i] = make_input(session, i, allocator);
	}
	for (size_t i = 0; i < out_count; i++)
		check(
		    api->SessionGetOutputName(session, i, allocator, &out[i]));
	check(api->Run(session, NULL, (const char *const *)in,
		       (const OrtValue *const *)inputs, in_count,
		       (const char *const *)out, out_count, outputs));
	for (size_t i = 0; i < out_count; i++) {
		print_mean(out[i], outputs[i]);
		api->ReleaseValue(outputs[i]);
		check(api->AllocatorFree(allocator, out[i]));
	}
	for (size_t i = 0; i < in_count; i++) {
		api->ReleaseValue(inputs[i]);
		check(api->AllocatorFree(allocator, in[i]));
	}
}

int main(int argc, char **argv)
{
	OrtEnv *env;
	OrtSessionOptions *options;
	OrtSession *session;

	if (argc != 3 && argc != 4) {
		fprintf(stderr,
			"usage: onnxruntime LIBRARY MODEL [CONTAINER]\n");
		return 1;
	}
	api = OrtGetApiBase()->GetApi(24);
	if (!api) {
		fprintf(stderr, "this ONNX Runtime is older than 1.24\n");
		return 1;
	}
	check(api->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "example", &env));
	options = make_options(env, argv[1], argc > 3 ? argv[3] : NULL);
	check(api->CreateSession(env, argv[2], options, &session));
	run(session);
	api->ReleaseSession(session);
	api->ReleaseSessionOptions(options);
	check(api->UnregisterExecutionProviderLibrary(env, "quire"));
	api->ReleaseEnv(env);
	return 0;
}
