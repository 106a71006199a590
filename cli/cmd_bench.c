/*
 * cmd_bench.c - quire bench: how fast this machine multiplies by linear layers,
 * and its limits.
 */
#include <stdlib.h>

#include "base/cpu.h"
#include "cli/bench/bench_device.h"
#include "cli/bench/bench_models.h"
#include "cli/bench/bench_options.h"
#include "cli/bench/bench_print.h"
#include "cli/bench/bench_run.h"
#include "cli/bench/bench_sweep.h"
#include "cli/command.h"
#include "cli/files/lookup.h"
#include "cli/ui/options.h"
#include "cli/ui/progress.h"
#include "cli/ui/trouble.h"

#define M_MAX 65536

struct values {
	struct args_list shape;
	const char *m;
	const char *threads;
	const char *model;
	const char *kernels;
	const char *device;
	const char *level;
	const char *weights;
	bool prepack;
	bool sweep;
	bool json;
};

static const struct args_option options[] = {
	{ .name = "shape",
	  .value = "K,N",
	  .type = ARGS_LIST,
	  .offset = offsetof(struct values, shape),
	  .help = "columns and rows of a weight; may be repeated" },
	{ .name = "m",
	  .value = "LIST",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, m),
	  .help = "rows of x, as 1,4,16 or 1-64; default: 1,4,16,64,256; for a "
		  "model: 1,256,512" },
	{ .name = "threads",
	  .value = "LIST",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, threads),
	  .help = "threads to use; default: 1, and one for each usable CPU" },
	{ .name = "model",
	  .value = "NAME",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, model),
	  .help =
	      "the shapes of a known model; also prints tokens per second" },
	{ .name = "level",
	  .value = "LIST",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, level),
	  .help = "1: compute in f32; 4: in int8; default: both" },
	{ .name = "weights",
	  .value = "LIST",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, weights),
	  .help = "Q4_0, Q4_1, Q8_0, F32, F16, BF16; default: Q4_0" },
	OPTION_KERNELS(struct values),
	OPTION_DEVICE(struct values),
	{ .name = "prepack",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, prepack),
	  .help = "at level 4, also measure prepacked weights" },
	{ .name = "sweep",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, sweep),
	  .help = "show time over rows of x, as a table and a plot" },
	OPTION_JSON(struct values, "print JSON"),
	{ .name = NULL },
};

/* Defaults depend on other options, so they are set here. */
static bool read_lists(const struct values *values, struct bench_plan *plan)
{
	static const struct bench_numbers m = { 5, { 1, 4, 16, 64, 256 } };
	static const struct bench_numbers model_m = { 3, { 1, 256, 512 } };

	plan->m = values->model ? model_m : m;
	if (values->sweep)
		plan->m = bench_sweep_rows;
	plan->threads = (struct bench_numbers){ 1, { 1 } };
	if (quire_cpu_count() > 1)
		plan->threads =
		    (struct bench_numbers){ 2, { 1, quire_cpu_count() } };
	plan->level = (struct bench_numbers){ 2, { 1, 4 } };
	if (plan->device != QUIRE_DEVICE_CPU) {
		/* A device computes every level in f32. */
		plan->threads.count = 1;
		plan->level.count = 1;
	}
	plan->weights = (struct bench_numbers){ 1, { QUIRE_Q4_0 } };
	if (values->m &&
	    !bench_read_numbers("m", values->m, 1, M_MAX, &plan->m))
		return false;
	if (values->sweep)
		bench_sweep_sort(&plan->m);
	return (!values->threads ||
		bench_read_numbers("threads", values->threads, 1,
				   ARGS_THREADS_MAX, &plan->threads)) &&
	       (!values->level || bench_read_numbers("level", values->level, 1,
						     4, &plan->level)) &&
	       (!values->weights ||
		bench_read_weights(values->weights, &plan->weights));
}

static bool read_shapes(const struct values *values, struct bench_plan *plan,
			const struct bench_model **model)
{
	/* Without --shape; a sweep has the first one. */
	static const struct bench_shape usual[] = {
		{ .k = 4096, .n = 4096 },
		{ .k = 4096, .n = 14336 },
		{ .k = 896, .n = 4864 },
		{ .k = 2048, .n = 2048 },
	};

	if (values->model) {
		*model = bench_model_find(values->model);
		if (!*model)
			return false;
		bench_model_shapes(*model, plan);
		return true;
	}
	if (values->shape.count > 0)
		return bench_read_shapes(&values->shape, plan);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		plan->shape[plan->shape_count++] = usual[i];
		if (values->sweep)
			break;
	}
	return true;
}

struct groups {
	struct bench_group *group;
	size_t count;
};

static void add_group(struct groups *groups, const struct bench_group *group)
{
	for (size_t i = 0; i < groups->count; i++) {
		const struct bench_group *other = &groups->group[i];

		if (other->shape.k == group->shape.k &&
		    other->shape.n == group->shape.n &&
		    other->weights == group->weights)
			return;
	}
	groups->group[groups->count++] = *group;
}

/* Each shape and type of the linears of the file. */
static void groups_of_file(const quire_model *file, struct groups *groups)
{
	for (size_t i = 0; i < quire_model_linear_count(file); i++) {
		const quire_linear *linear = quire_model_linear(file, i);
		const struct bench_group group = {
			.shape = { .k = linear->k, .n = linear->n },
			.weights = linear->weight->dtype,
		};

		add_group(groups, &group);
	}
}

static void groups_of_plan(const struct bench_plan *plan, struct groups *groups)
{
	for (size_t i = 0; i < plan->shape_count; i++)
		for (size_t j = 0; j < plan->weights.count; j++) {
			const struct bench_group group = {
				.shape = plan->shape[i],
				.weights = (quire_dtype)plan->weights.number[j],
			};

			add_group(groups, &group);
		}
}

static bool find_groups(const struct bench_plan *plan, struct groups *groups)
{
	size_t most = plan->shape_count * plan->weights.count;

	if (plan->model)
		most = quire_model_linear_count(plan->model);
	if (most == 0) {
		trouble("bench: the file has no linear layers");
		return false;
	}
	groups->group = malloc(most * sizeof(*groups->group));
	if (!groups->group) {
		trouble_memory();
		return false;
	}
	if (plan->model)
		groups_of_file(plan->model, groups);
	else
		groups_of_plan(plan, groups);
	return true;
}

static bool run_threads(const struct bench_plan *plan,
			const struct bench_group *group,
			struct bench_weights *weights, uint32_t threads,
			struct bench_results *results)
{
	size_t count;
	struct bench_case *cases =
	    bench_cases_make(plan, group, threads, &count);
	bool done = cases && bench_run(plan, weights, cases, count);

	if (!cases || (done && !bench_results_add(results, cases, count))) {
		trouble_memory();
		done = false;
	}
	free(cases);
	return done;
}

/* With each kernel set that the plan names, and each number of threads. */
static bool run_sets(const struct bench_plan *plan,
		     const struct bench_group *group,
		     struct bench_weights *weights,
		     struct bench_results *results)
{
	struct bench_plan one = *plan;

	for (size_t i = 0; i == 0 || i < plan->sets.count; i++) {
		if (plan->sets.count > 0)
			one.kernels = plan->sets.name[i];
		for (size_t j = 0; j < plan->threads.count; j++)
			if (!run_threads(&one, group, weights,
					 plan->threads.number[j], results))
				return false;
	}
	return true;
}

static bool run_group(const struct bench_plan *plan,
		      const struct bench_group *group,
		      struct bench_results *results)
{
	struct bench_weights weights;
	bool done;

	if (plan->device != QUIRE_DEVICE_CPU)
		return bench_device_run(plan, group, results);
	if (!bench_weights_make(&weights, plan, group)) {
		trouble_memory();
		return false;
	}
	done = run_sets(plan, group, &weights, results);
	bench_weights_free(&weights);
	return done;
}

static bool measure(const struct bench_plan *plan,
		    struct bench_results *results)
{
	struct progress progress = progress_start("measuring");
	struct groups groups = { .count = 0 };
	bool done = find_groups(plan, &groups);

	for (size_t i = 0; done && i < groups.count; i++) {
		progress_show(&progress, i, groups.count);
		done = run_group(plan, &groups.group[i], results);
	}
	progress_clear(&progress);
	free(groups.group);
	return done;
}

static bool print(const struct values *values,
		  const struct bench_results *results,
		  const struct bench_model *model)
{
	if (values->json)
		return bench_print_json(results, model);
	return values->sweep ? bench_sweep_print(results)
			     : bench_print_table(results, model);
}

static int bench(const struct values *values, struct bench_plan *plan)
{
	const struct bench_model *model = NULL;
	struct bench_results results = { .cases = NULL };
	int code = EXIT_TROUBLE;

	if (!read_lists(values, plan) || !read_shapes(values, plan, &model))
		return EXIT_TROUBLE;
	if (measure(plan, &results)) {
		if (values->sweep)
			bench_sweep_find_steps(&results);
		if (print(values, &results, model))
			code = EXIT_FINE;
		else
			trouble_memory();
	}
	bench_results_free(&results);
	return code;
}

/* Reads the device, and refuses options that are for the CPU only. */
static bool read_device(const struct values *values, struct bench_plan *plan)
{
	if (!bench_device_find(values->device, &plan->device))
		return false;
	if (plan->device == QUIRE_DEVICE_CPU ||
	    (!values->threads && !values->kernels && !values->level &&
	     !values->prepack))
		return true;
	trouble("bench: --threads, --kernels, --level and --prepack are for "
		"the CPU, and this would run on Metal");
	return false;
}

/* Reads the kernel sets: one, or a list for a sweep; and refuses what a sweep
 * does not do. */
static bool read_sweep(const struct values *values, struct bench_plan *plan)
{
	plan->sweep = values->sweep;
	plan->prepack = values->prepack;
	plan->kernels = values->kernels;
	if (!values->sweep)
		return true;
	if (values->prepack || values->model ||
	    plan->device != QUIRE_DEVICE_CPU) {
		trouble("bench: --sweep is for the CPU, and cannot be given "
			"with --model or --prepack");
		return false;
	}
	return !values->kernels ||
	       bench_read_kernels(values->kernels, &plan->sets);
}

static int run(int argc, char **argv)
{
	struct values values = { .json = false };
	struct bench_plan plan = { .shape_count = 0 };
	quire_model *file = NULL;
	struct args_words words;
	int code;

	if (!args_parse(&command_bench, argc, argv, &values, &words, &code))
		return code;
	if ((words.count > 0) + (values.model != NULL) +
		(values.shape.count > 0) >
	    1)
		return trouble("bench: FILE, --model and --shape cannot be "
			       "given together; see 'quire bench --help'");
	if (words.count > 0 && values.weights)
		return trouble("bench: --weights cannot be given with FILE");
	if (!read_device(&values, &plan) || !read_sweep(&values, &plan))
		return EXIT_TROUBLE;
	if (words.count > 0) {
		file = lookup_model(words.word[0], true);
		if (!file)
			return EXIT_TROUBLE;
		plan.model = file;
	}
	code = bench(&values, &plan);
	quire_model_close(file);
	return code;
}

static const char about[] =
    "Multiplies by the weights of FILE, by random weights of given shapes, or\n"
    "by those of common shapes. Weights take turns, so that none is found in\n"
    "a cache. Prints the median time of a call, which includes quantizing x,\n"
    "and beside it the most that this machine can read and multiply, measured\n"
    "in the same run.\n"
    "\n"
    "--sweep shows time over rows of x, 33 numbers of them from 1 to 64 "
    "without\n"
    "--m, for each weight type, level and number of threads, and for each "
    "kernel\n"
    "set of --kernels, which may be a list: which form computes (GEMV,\n"
    "small-batch GEMM, packed GEMM), and the larger of the shares of both\n"
    "limits. A step is a time over 1.10 times that of the straight line "
    "between\n"
    "the times of the next smaller and the next larger M.\n"
    "\n"
    "On Metal, up to 16 calls are submitted together, and each product is\n"
    "compared with the same product by F32 weights.\n"
    "\n"
    "models: Qwen2.5-0.5B, Qwen2.5-1.5B, Qwen2.5-3B, Qwen2.5-7B, Phi-3-mini,\n"
    "Mistral-7B, Llama-3-8B";

static const char examples[] =
    "  quire bench model.gguf\n"
    "  quire bench --shape 4096,14336 --m 1,64 --level 4\n"
    "  quire bench --model Llama-3-8B --threads 2 --json\n"
    "  quire bench --sweep --m 1-64 --level 4 --kernels avx512vnni,avx2\n"
    "  quire bench --device metal --shape 4096,4096 --m 1";

const struct command command_bench = {
	.name = "bench",
	.summary = "measure how fast linear layers run here",
	.usage = "[FILE] [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 0,
	.words_max = 1,
	.run = run,
};
