/*
 * provider_options.c - the options of QuireExecutionProvider. ONNX Runtime has
 * them among the session's, as ep.quireexecutionprovider.NAME.
 */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "onnxruntime/provider.h"

static const char prefix[] = "ep.quireexecutionprovider.";

struct choice {
	const char *name;
	int value;
};

static const struct choice verify_choices[] = {
	{ "none", QUIRE_VERIFY_HEADER },
	{ "lazy", QUIRE_VERIFY_LAZY },
	{ "all", QUIRE_VERIFY_TENSORS },
	{ NULL, 0 },
};

static const struct choice prefetch_choices[] = {
	{ "none", QUIRE_PREFETCH_NONE },
	{ "will_need", QUIRE_PREFETCH_WILL_NEED },
	{ "populate", QUIRE_PREFETCH_POPULATE },
	{ NULL, 0 },
};

static const struct choice check_choices[] = {
	{ "sample", CHECK_SAMPLE },
	{ "all", CHECK_ALL },
	{ "none", CHECK_NONE },
	{ NULL, 0 },
};

/* -1: that of the container. */
static const struct choice level_choices[] = {
	{ "-1", -1 }, { "0", 0 }, { "1", 1 },  { "2", 2 },
	{ "3", 3 },   { "4", 4 }, { NULL, 0 },
};

static OrtStatus *choose(const OrtApi *api, const char *option,
			 const struct choice *choices, const char *text,
			 int *value)
{
	char *all = quire_ort_text("%s", choices[0].name);
	OrtStatus *status;

	for (const struct choice *c = choices; c->name; c++) {
		char *longer;

		if (strcmp(c->name, text) == 0) {
			*value = c->value;
			free(all);
			return NULL;
		}
		if (c == choices || !all)
			continue;
		longer = quire_ort_text("%s, %s", all, c->name);
		free(all);
		all = longer;
	}
	status = quire_ort_status(api, ORT_INVALID_ARGUMENT,
				  "option %s is '%.60s'; it may be one of %s",
				  option, text, all ? all : "its values");
	free(all);
	return status;
}

static OrtStatus *set_container(const OrtApi *api, const char *text,
				struct provider_options *options)
{
	char *path;

	if (!text[0])
		return NULL;
	path = quire_ort_text("%s", text);
	if (!path)
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	free(options->container);
	options->container = path;
	return NULL;
}

static OrtStatus *fail_unknown(const OrtApi *api, const char *name)
{
	static const char *const names[] = { "container", "accuracy_level",
					     "verify", "prefetch", "check" };
	struct nearest near = quire_nearest_to(name);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		quire_nearest_offer(
		    &near, (quire_string){ names[i], strlen(names[i]) });
	return quire_ort_status(
	    api, ORT_INVALID_ARGUMENT,
	    "%s has no option '%.60s'%s%.*s%s; it has container, "
	    "accuracy_level, verify, prefetch and check",
	    QUIRE_PROVIDER_NAME, name, near.found ? ", perhaps '" : "",
	    near.found ? (int)near.name.size : 0,
	    near.found ? near.name.data : "", near.found ? "'" : "");
}

static OrtStatus *set_option(const OrtApi *api, const char *name,
			     const char *text, struct provider_options *options)
{
	OrtStatus *status;
	int value = 0;

	if (strcmp(name, "container") == 0)
		return set_container(api, text, options);
	if (strcmp(name, "accuracy_level") == 0) {
		status = choose(api, name, level_choices, text, &value);
		options->accuracy_level = quire_ort_level(value);
	} else if (strcmp(name, "verify") == 0) {
		status = choose(api, name, verify_choices, text, &value);
		options->open.verify = (quire_verify_mode)value;
	} else if (strcmp(name, "prefetch") == 0) {
		status = choose(api, name, prefetch_choices, text, &value);
		options->open.prefetch = (quire_prefetch)value;
	} else if (strcmp(name, "check") == 0) {
		status = choose(api, name, check_choices, text, &value);
		options->check = (enum check)value;
	} else {
		status = fail_unknown(api, name);
	}
	return status;
}

OrtStatus *quire_provider_options_read(const OrtApi *api,
				       const OrtSessionOptions *session,
				       struct provider_options *options)
{
	struct provider_options read = { .accuracy_level =
					     quire_ort_level(-1) };
	OrtKeyValuePairs *entries = NULL;
	const char *const *keys = NULL;
	const char *const *values = NULL;
	size_t count = 0;
	OrtStatus *status =
	    api->GetSessionOptionsConfigEntries(session, &entries);

	if (status)
		return status;
	api->GetKeyValuePairs(entries, &keys, &values, &count);
	for (size_t i = 0; i < count && !status; i++)
		if (strncmp(keys[i], prefix, sizeof(prefix) - 1) == 0)
			status = set_option(api, keys[i] + sizeof(prefix) - 1,
					    values[i], &read);
	api->ReleaseKeyValuePairs(entries);
	if (status)
		quire_provider_options_free(&read);
	else
		*options = read;
	return status;
}

void quire_provider_options_free(struct provider_options *options)
{
	free(options->container);
}
