// Reading rows of x and writing results to y, for all kernels.

// x = the lane's 16 columns of a step of a row, with zeros from column k on;
// returns their sum. Columns between k and the end of the row may be NaN.
template <typename X>
static inline float read_x(device const X *row, uint step, uint h, uint k,
			   thread float *x)
{
	const uint first = step * QUIRE_GPU_STEP_COLS + 8 * h;
	float total = 0.0f;

	if ((step + 1) * QUIRE_GPU_STEP_COLS <= k) {
		for (uint i = 0; i < 8; i++) {
			x[i] = float(row[first + i]);
			x[i + 8] = float(row[first + 16 + i]);
			total += x[i] + x[i + 8];
		}
		return total;
	}
	for (uint i = 0; i < 8; i++) {
		const uint low = first + i, high = low + 16;

		x[i] = low < k ? float(row[low]) : 0.0f;
		x[i + 8] = high < k ? float(row[high]) : 0.0f;
		total += x[i] + x[i + 8];
	}
	return total;
}

static inline float read_bias(device const uchar *bias, uint type, uint n)
{
	switch (type) {
	case QUIRE_GPU_BIAS_F32:
		return ((device const float *)bias)[n];
	case QUIRE_GPU_BIAS_F16:
		return float(((device const half *)bias)[n]);
	case QUIRE_GPU_BIAS_BF16:
		return as_type<float>(uint(((device const ushort *)bias)[n])
				      << 16);
	}
	return 0.0f;
}

static inline void write_y(device uchar *y, device const uchar *bias,
			   constant product_params &p, uint row, uint col,
			   float sum)
{
	const ulong at = ulong(row) * p.y_stride + col;

	if (p.bias != QUIRE_GPU_BIAS_NONE)
		sum += read_bias(bias, p.bias, col);
	if (p.y_half)
		((device half *)y)[at] = half(sum);
	else
		((device float *)y)[at] = sum;
}
