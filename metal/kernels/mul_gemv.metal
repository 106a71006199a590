// mul_gemv: one row of x, the group's y, by W. A simdgroup computes
// QUIRE_GPU_GEMV_ROWS results. Two lanes share a step of 32 columns, so 16 steps
// run at once.
template <typename W, typename X>
kernel void mul_gemv(
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
	const uint first = (group.x * simd_count + simd_index) * QUIRE_GPU_GEMV_ROWS;
	const uint steps = (p.k + QUIRE_GPU_STEP_COLS - 1) / QUIRE_GPU_STEP_COLS;
	const uint h = lane % 2;
	device const X *row = x + ulong(group.y) * p.x_stride;
	float sums[QUIRE_GPU_GEMV_ROWS];

	for (uint r = 0; r < QUIRE_GPU_GEMV_ROWS; r++)
		sums[r] = 0.0f;
	for (uint step = lane / 2; step < steps; step += QUIRE_GPU_SIMD_WIDTH / 2) {
		float xs[QUIRE_GPU_HALF_STEP];
		const float total = read_x(row, step, h, p.k, xs);

		for (uint r = 0; r < QUIRE_GPU_GEMV_ROWS; r++) {
			// The last row stands for missing ones; their results
			// are not written.
			const uint n = min(first + r, p.n - 1);

			sums[r] += W::dot(weights + n * p.row_size, step, h,
					  p.k, xs, total);
		}
	}
	for (uint r = 0; r < QUIRE_GPU_GEMV_ROWS; r++) {
		const float sum = simd_sum(sums[r]);

		if (lane == 0 && first + r < p.n)
			write_y(y, bias, p, group.y, first + r, sum);
	}
}

typedef decltype(mul_gemv<weights_f32, float>) mul_gemv_f32;
typedef decltype(mul_gemv<weights_f32, half>) mul_gemv_f16;

template [[host_name("mul_gemv_q4_0_f32")]] kernel mul_gemv_f32 mul_gemv<weights_q4_0, float>;
template [[host_name("mul_gemv_q4_0_f16")]] kernel mul_gemv_f16 mul_gemv<weights_q4_0, half>;
template [[host_name("mul_gemv_q4_1_f32")]] kernel mul_gemv_f32 mul_gemv<weights_q4_1, float>;
template [[host_name("mul_gemv_q4_1_f16")]] kernel mul_gemv_f16 mul_gemv<weights_q4_1, half>;
template [[host_name("mul_gemv_q8_0_f32")]] kernel mul_gemv_f32 mul_gemv<weights_q8_0, float>;
template [[host_name("mul_gemv_q8_0_f16")]] kernel mul_gemv_f16 mul_gemv<weights_q8_0, half>;
template [[host_name("mul_gemv_f16_f32")]] kernel mul_gemv_f32 mul_gemv<weights_f16, float>;
template [[host_name("mul_gemv_f16_f16")]] kernel mul_gemv_f16 mul_gemv<weights_f16, half>;
template [[host_name("mul_gemv_f32_f32")]] kernel mul_gemv_f32 mul_gemv<weights_f32, float>;
template [[host_name("mul_gemv_f32_f16")]] kernel mul_gemv_f16 mul_gemv<weights_f32, half>;
