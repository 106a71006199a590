/*
 * hash.h - XXH3-64 with seed 0, by the widest code that the CPU runs. The
 * packaged library is built for the least CPU of its architecture; the same
 * source, compiled here for wider ones, gives the same values faster.
 *
 *	struct quire_hash *hash = quire_hash_create(quire_cpu_features());
 *	quire_hash_update(hash, bytes, size);		as often as needed
 *	value = quire_hash_digest(hash);
 *	quire_hash_reset(hash);				to begin anew
 *	quire_hash_free(hash);
 *
 * One thread at a time may use a hash.
 */
#ifndef QUIRE_MACHINE_HASH_H
#define QUIRE_MACHINE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct quire_hash;

/* `features` are cpu.h's: asking for them takes 100 us where a hypervisor has
 * to be asked, so that it is for the caller to keep them. NULL if there is no
 * memory. The hash is reset already. */
struct quire_hash *quire_hash_create(uint32_t features);
void quire_hash_reset(struct quire_hash *hash);
void quire_hash_update(struct quire_hash *hash, const void *data, size_t size);
uint64_t quire_hash_digest(const struct quire_hash *hash);
/* NULL is fine. */
void quire_hash_free(struct quire_hash *hash);

/* Of bytes that are all there. */
uint64_t quire_hash_bytes(const void *data, size_t size);

#endif
