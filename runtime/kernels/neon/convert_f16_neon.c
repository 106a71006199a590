/*
 * convert_f16_neon.c - between f16 and f32, four at a time. The rest goes
 * through a whole vector too, so that it is rounded in the same way.
 */
#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

static inline void widen(const uint16_t *x, float *y)
{
	vst1q_f32(y, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x))));
}

static inline void narrow(const float *x, uint16_t *y)
{
	vst1_u16(y, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x))));
}

void quire_from_f16_neon(const uint16_t *x, size_t count, float *y)
{
	const size_t rest = count % 4;
	uint16_t in[4] = { 0 };
	float out[4];

	for (; count >= 4; count -= 4, x += 4, y += 4)
		widen(x, y);
	memcpy(in, x, rest * sizeof(*x));
	widen(in, out);
	memcpy(y, out, rest * sizeof(*y));
}

void quire_to_f16_neon(const float *x, size_t count, uint16_t *y)
{
	const size_t rest = count % 4;
	float in[4] = { 0 };
	uint16_t out[4];

	for (; count >= 4; count -= 4, x += 4, y += 4)
		narrow(x, y);
	memcpy(in, x, rest * sizeof(*x));
	narrow(in, out);
	memcpy(y, out, rest * sizeof(*y));
}
