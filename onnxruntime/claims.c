/*
 * claims.c - the nodes that a provider has claimed, until kernels are made for
 * them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "onnxruntime/provider.h"

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool is_claim(const struct claim *claim, const char *name,
		     const char *output, const char *codes)
{
	return same_text(claim->output, output) &&
	       same_text(claim->name, name) && same_text(claim->codes, codes);
}

const struct claim *quire_provider_claim(struct provider *provider,
					 const char *name, const char *output,
					 const char *codes)
{
	for (size_t i = 0; i < provider->claim_count; i++) {
		const size_t at =
		    (provider->next_claim + i) % provider->claim_count;
		const struct claim *claim = &provider->claims[at];

		if (!is_claim(claim, name, output, codes))
			continue;
		provider->next_claim = at + 1;
		return claim;
	}
	return NULL;
}

quire_linear quire_claim_linear(const struct claim *claim)
{
	quire_linear linear = *claim->linear;

	if (!claim->has_bias)
		linear.bias = NULL;
	return linear;
}

static void free_claim(struct claim *claim)
{
	free(claim->name);
	free(claim->output);
	free(claim->codes);
	free(claim->failure);
}

/* A node may be shown again, after others were inlined. Two that have all names
 * in common and not the weight could not be distinguished later. */
static void join_claims(const struct provider *provider, struct claim *before,
			struct claim *again)
{
	if (!before->failure && !again->failure &&
	    before->linear != again->linear)
		before->failure = quire_ort_text(
		    "two nodes of model '%s' have the name '%s', the output "
		    "'%s' and the input '%s', and different weights in "
		    "container '%s': give one of them another name",
		    provider->model_path ? provider->model_path : "?",
		    before->name, before->output, before->codes,
		    provider->container_path);
	else if (!before->failure) {
		before->failure = again->failure;
		again->failure = NULL;
	}
	free_claim(again);
}

OrtStatus *quire_provider_add_claim(struct provider *provider,
				    const struct node_group *group,
				    const quire_linear *linear, char *failure)
{
	const OrtApi *api = provider->factory->api;
	struct claim claim = {
		.name = quire_ort_text("%s", group->name),
		.output = quire_ort_text("%s", group->output),
		.codes = quire_ort_text(
		    "%s", quire_value_name(api, group->inputs[1])),
		.linear = linear,
		.has_bias = quire_node_has_bias(group),
		.failure = failure,
	};
	struct claim *claims;

	for (size_t i = 0; i < provider->claim_count && claim.name &&
			   claim.output && claim.codes;
	     i++)
		if (is_claim(&provider->claims[i], claim.name, claim.output,
			     claim.codes)) {
			join_claims(provider, &provider->claims[i], &claim);
			return NULL;
		}
	claims = quire_grow(provider->claims, &provider->claim_capacity,
			    provider->claim_count, sizeof(*claims));
	if (claims)
		provider->claims = claims;
	if (!claims || !claim.name || !claim.output || !claim.codes) {
		free_claim(&claim);
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	}
	claims[provider->claim_count++] = claim;
	return NULL;
}

void quire_provider_free_claims(struct provider *provider)
{
	for (size_t i = 0; i < provider->claim_count; i++)
		free_claim(&provider->claims[i]);
	free(provider->claims);
}
