// mul_small: up to QUIRE_GPU_SMALL_X rows of x by W; the group's y counts such
// batches. As mul_gemv, but each weight is decoded once for all rows.
template <typename W, typename X>
kernel void mul_small(
    device const uchar *weights [[buffer(QUIRE_GPU_AT_WEIGHTS)]],
    device const X *x [[buffer(QUIRE_GPU_AT_X)]],
    device uchar *y [[buffer(QUIRE_GPU_AT_Y)]],
    device const uchar *bias [[buffer(QUIRE_GPU_AT_BIAS)]],
    constant product_params &p [[buffer(QUIRE_GPU_AT_PARAMS)]],
    uint3 group [[threadgroup_position_in_grid]],
    ushort lane [[thread_index_in_simdgroup]],
    ushort simd_index [[simdgroup_index_in_threadgroup]],
    ushort simd_count [[simdgroups_per_threadgroup]])
{
	const uint first = (group.x * simd_count + simd_index) * QUIRE_GPU_SMALL_ROWS;
	const uint first_x = group.y * QUIRE_GPU_SMALL_X;
	const uint count = min(uint(QUIRE_GPU_SMALL_X), p.m - first_x);
	const uint steps = (p.k + QUIRE_GPU_STEP_COLS - 1) / QUIRE_GPU_STEP_COLS;
	const uint h = lane % 2;
	float sums[QUIRE_GPU_SMALL_ROWS][QUIRE_GPU_SMALL_X];

	for (uint r = 0; r < QUIRE_GPU_SMALL_ROWS; r++)
		for (uint t = 0; t < QUIRE_GPU_SMALL_X; t++)
			sums[r][t] = 0.0f;
	for (uint step = lane / 2; step < steps; step += QUIRE_GPU_SIMD_WIDTH / 2) {
		float w[QUIRE_GPU_SMALL_ROWS][QUIRE_GPU_HALF_STEP];

		for (uint r = 0; r < QUIRE_GPU_SMALL_ROWS; r++) {
			const uint n = min(first + r, p.n - 1);

			W::read(weights + n * p.row_size, step, h, p.k, w[r]);
		}
		for (uint t = 0; t < QUIRE_GPU_SMALL_X; t++) {
			float xs[QUIRE_GPU_HALF_STEP];

			if (t >= count)
				break;
			read_x(x + ulong(first_x + t) * p.x_stride, step, h,
			       p.k, xs);
			for (uint r = 0; r < QUIRE_GPU_SMALL_ROWS; r++)
				for (uint i = 0; i < QUIRE_GPU_HALF_STEP; i++)
					sums[r][t] =
					    fma(xs[i], w[r][i], sums[r][t]);
		}
	}
	for (uint t = 0; t < QUIRE_GPU_SMALL_X; t++) {
		if (t >= count)
			break;
		for (uint r = 0; r < QUIRE_GPU_SMALL_ROWS; r++) {
			const float sum = simd_sum(sums[r][t]);

			if (lane == 0 && first + r < p.n)
				write_y(y, bias, p, first_x + t, first + r,
					sum);
		}
	}
}

typedef decltype(mul_small<weights_f32, float>) mul_small_f32;
typedef decltype(mul_small<weights_f32, half>) mul_small_f16;

template [[host_name("mul_small_q4_0_f32")]] kernel mul_small_f32 mul_small<weights_q4_0, float>;
template [[host_name("mul_small_q4_0_f16")]] kernel mul_small_f16 mul_small<weights_q4_0, half>;
template [[host_name("mul_small_q4_1_f32")]] kernel mul_small_f32 mul_small<weights_q4_1, float>;
template [[host_name("mul_small_q4_1_f16")]] kernel mul_small_f16 mul_small<weights_q4_1, half>;
template [[host_name("mul_small_q8_0_f32")]] kernel mul_small_f32 mul_small<weights_q8_0, float>;
template [[host_name("mul_small_q8_0_f16")]] kernel mul_small_f16 mul_small<weights_q8_0, half>;
template [[host_name("mul_small_f16_f32")]] kernel mul_small_f32 mul_small<weights_f16, float>;
template [[host_name("mul_small_f16_f16")]] kernel mul_small_f16 mul_small<weights_f16, half>;
template [[host_name("mul_small_f32_f32")]] kernel mul_small_f32 mul_small<weights_f32, float>;
template [[host_name("mul_small_f32_f16")]] kernel mul_small_f16 mul_small<weights_f32, half>;
