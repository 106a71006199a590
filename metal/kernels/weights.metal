// The layout of each weight type. A lane takes 16 columns of a step of 32: the 8
// from 8h and the 8 from 16 + 8h, for h = 0 or 1, which are half the bytes of a
// Q4 block. Every type has
//	dot   the sum of these 16 products; `total` is the sum of the 16 x
//	read  the 16 weights in that order, each as on the CPU
// Of weights without blocks only columns below k are read. In `dot` for Q4 a
// nibble is not shifted: its product is 16, 256 or 4096 times too large. The sum
// of four such products is then scaled by one exact multiplication.

// 16 codes of four bits, in 8 bytes, times x.
static inline float dot_nibbles(device const ushort *codes,
				thread const float *x)
{
	float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;

	for (uint i = 0; i < 4; i++) {
		const ushort q = codes[i];

		a = fma(x[2 * i], float(q & 0x000F), a);
		b = fma(x[2 * i + 1], float(q & 0x0F00), b);
		c = fma(x[2 * i + 8], float(q & 0x00F0), c);
		d = fma(x[2 * i + 9], float(q & 0xF000), d);
	}
	a = fma(b, 1.0f / 256.0f, a);
	c = fma(d, 1.0f / 256.0f, c);
	return fma(c, 1.0f / 16.0f, a);
}

// Codes as numbers, in the order of columns.
static inline void read_nibbles(device const ushort *codes, thread float *w)
{
	for (uint i = 0; i < 4; i++) {
		const ushort q = codes[i];

		w[2 * i] = float(q & 0x0F);
		w[2 * i + 1] = float(q >> 8 & 0x0F);
		w[2 * i + 8] = float(q >> 4 & 0x0F);
		w[2 * i + 9] = float(q >> 12);
	}
}

// (q - 8) * d
struct weights_q4_0 {
	half scale;
	ushort codes[8];

	static float dot(device const uchar *row, uint step, uint h, uint,
			 thread const float *x, float total)
	{
		device const weights_q4_0 *block =
		    (device const weights_q4_0 *)row + step;

		return float(block->scale) *
		       fma(-8.0f, total, dot_nibbles(block->codes + 4 * h, x));
	}

	static void read(device const uchar *row, uint step, uint h, uint,
			 thread float *w)
	{
		device const weights_q4_0 *block =
		    (device const weights_q4_0 *)row + step;
		const float scale = float(block->scale);

		read_nibbles(block->codes + 4 * h, w);
		for (uint i = 0; i < QUIRE_GPU_HALF_STEP; i++)
			w[i] = (w[i] - 8.0f) * scale;
	}
};

// q * d + m
struct weights_q4_1 {
	half scale;
	half least;
	ushort codes[8];

	static float dot(device const uchar *row, uint step, uint h, uint,
			 thread const float *x, float total)
	{
		device const weights_q4_1 *block =
		    (device const weights_q4_1 *)row + step;

		return fma(float(block->scale),
			   dot_nibbles(block->codes + 4 * h, x),
			   float(block->least) * total);
	}

	static void read(device const uchar *row, uint step, uint h, uint,
			 thread float *w)
	{
		device const weights_q4_1 *block =
		    (device const weights_q4_1 *)row + step;
		const float scale = float(block->scale);
		const float least = float(block->least);

		read_nibbles(block->codes + 4 * h, w);
		for (uint i = 0; i < QUIRE_GPU_HALF_STEP; i++)
			w[i] = fma(w[i], scale, least);
	}
};

// q * d
struct weights_q8_0 {
	half scale;
	int8_t codes[32];

	static float dot(device const uchar *row, uint step, uint h, uint,
			 thread const float *x, float)
	{
		device const weights_q8_0 *block =
		    (device const weights_q8_0 *)row + step;
		device const int8_t *codes = block->codes + 8 * h;
		float sum = 0.0f;

		for (uint i = 0; i < 8; i++) {
			sum = fma(x[i], float(codes[i]), sum);
			sum = fma(x[i + 8], float(codes[i + 16]), sum);
		}
		return float(block->scale) * sum;
	}

	static void read(device const uchar *row, uint step, uint h, uint,
			 thread float *w)
	{
		device const weights_q8_0 *block =
		    (device const weights_q8_0 *)row + step;
		device const int8_t *codes = block->codes + 8 * h;
		const float scale = float(block->scale);

		for (uint i = 0; i < 8; i++) {
			w[i] = float(codes[i]) * scale;
			w[i + 8] = float(codes[i + 16]) * scale;
		}
	}
};

// F16 and F32
template <typename T> struct weights_plain {
	static void read(device const uchar *row, uint step, uint h, uint k,
			 thread float *w)
	{
		device const T *cols = (device const T *)row;
		const uint first = step * QUIRE_GPU_STEP_COLS + 8 * h;

		for (uint i = 0; i < 8; i++) {
			const uint low = first + i, high = low + 16;

			w[i] = low < k ? float(cols[low]) : 0.0f;
			w[i + 8] = high < k ? float(cols[high]) : 0.0f;
		}
	}

	static float dot(device const uchar *row, uint step, uint h, uint k,
			 thread const float *x, float)
	{
		float w[QUIRE_GPU_HALF_STEP];
		float sum = 0.0f;

		read(row, step, h, k, w);
		for (uint i = 0; i < QUIRE_GPU_HALF_STEP; i++)
			sum = fma(x[i], w[i], sum);
		return sum;
	}
};

typedef weights_plain<half> weights_f16;
typedef weights_plain<float> weights_f32;
