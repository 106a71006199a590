// mul_packed: many rows of x by W. A threadgroup packs 32 columns of W and of x
// into its memory and multiplies them as 8 x 8 matrices. Its tile is
// QUIRE_GPU_TILE_X by QUIRE_GPU_TILE_ROWS results.
//
// The operands O are f32: that neither rounds a weight nor overflows, whatever x
// and the scales are, and these GPUs multiply f32 as fast as f16. Only F16
// weights by f16 x keep f16 operands, as those are exact. Sums are always f32.
//
// Threadgroup memory holds an operand as 8 x 8 matrices one after the other,
// four for each 8 rows. So a load touches 64 elements in sequence; of 8 rows a
// step apart all would be in the same memory banks.

// The place of row `row` and column `col` of a step.
static inline uint tile_place(uint row, uint col)
{
	return (row / 8 * (QUIRE_GPU_STEP_COLS / 8) + col / 8) * 64 + row % 8 * 8 +
	       col % 8;
}

template <typename W, typename X, typename O>
kernel void mul_packed(
    device const uchar *weights [[buffer(QUIRE_GPU_AT_WEIGHTS)]],
    device const X *x [[buffer(QUIRE_GPU_AT_X)]],
    device uchar *y [[buffer(QUIRE_GPU_AT_Y)]],
    device const uchar *bias [[buffer(QUIRE_GPU_AT_BIAS)]],
    constant product_params &p [[buffer(QUIRE_GPU_AT_PARAMS)]],
    threadgroup uchar *memory [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    ushort thread_index [[thread_index_in_threadgroup]],
    ushort simd_index [[simdgroup_index_in_threadgroup]])
{
	threadgroup O *tile_w = (threadgroup O *)memory;
	threadgroup O *tile_x = tile_w + QUIRE_GPU_TILE_ROWS * QUIRE_GPU_STEP_COLS;
	threadgroup float *results = (threadgroup float *)memory;
	const uint first = group.x * QUIRE_GPU_TILE_ROWS;
	const uint first_x = group.y * QUIRE_GPU_TILE_X;
	const uint steps = (p.k + QUIRE_GPU_STEP_COLS - 1) / QUIRE_GPU_STEP_COLS;
	const uint simd_row = simd_index % 2 * 32, simd_x = simd_index / 2 * 16;
	// A thread loads half a step of a row of W, and a quarter of a step of
	// a row of x. The last row stands for missing ones.
	const uint load_row = thread_index / 2, load_half = thread_index % 2;
	const uint load_x = thread_index / 4, load_quarter = thread_index % 4;
	device const uchar *row =
	    weights + min(first + load_row, p.n - 1) * p.row_size;
	device const X *row_x =
	    x + ulong(min(first_x + load_x, p.m - 1)) * p.x_stride;
	simdgroup_matrix<float, 8, 8> sums[2][4];

	for (uint t = 0; t < 2; t++)
		for (uint r = 0; r < 4; r++)
			sums[t][r] =
			    make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
	for (uint step = 0; step < steps; step++) {
		float w[QUIRE_GPU_HALF_STEP];

		W::read(row, step, load_half, p.k, w);
		for (uint i = 0; i < 8; i++) {
			const uint col = load_half * 8 + i;
			const uint col_x = load_quarter * 8 + i;
			const uint at = step * QUIRE_GPU_STEP_COLS + col_x;

			tile_w[tile_place(load_row, col)] = O(w[i]);
			tile_w[tile_place(load_row, col + 16)] = O(w[i + 8]);
			tile_x[tile_place(load_x, col_x)] =
			    at < p.k ? O(row_x[at]) : O(0.0f);
		}
		threadgroup_barrier(mem_flags::mem_threadgroup);
		for (uint col = 0; col < QUIRE_GPU_STEP_COLS; col += 8) {
			simdgroup_matrix<O, 8, 8> ws[4], xs[2];

			for (uint r = 0; r < 4; r++)
				simdgroup_load(
				    ws[r],
				    tile_w + tile_place(simd_row + r * 8, col),
				    8, ulong2(0, 0), true);
			for (uint t = 0; t < 2; t++)
				simdgroup_load(
				    xs[t],
				    tile_x + tile_place(simd_x + t * 8, col),
				    8);
			for (uint t = 0; t < 2; t++)
				for (uint r = 0; r < 4; r++)
					simdgroup_multiply_accumulate(
					    sums[t][r], xs[t], ws[r],
					    sums[t][r]);
		}
		threadgroup_barrier(mem_flags::mem_threadgroup);
	}
	for (uint t = 0; t < 2; t++)
		for (uint r = 0; r < 4; r++)
			simdgroup_store(sums[t][r],
					results +
					    (simd_x + t * 8) * QUIRE_GPU_TILE_ROWS +
					    simd_row + r * 8,
					QUIRE_GPU_TILE_ROWS);
	threadgroup_barrier(mem_flags::mem_threadgroup);
	for (uint i = thread_index; i < QUIRE_GPU_TILE_ROWS * QUIRE_GPU_TILE_X;
	     i += QUIRE_GPU_TILE_THREADS) {
		const uint t = first_x + i / QUIRE_GPU_TILE_ROWS;
		const uint r = first + i % QUIRE_GPU_TILE_ROWS;

		if (t < p.m && r < p.n)
			write_y(y, bias, p, t, r, results[i]);
	}
}

typedef decltype(mul_packed<weights_f32, float, float>) mul_packed_f32;
typedef decltype(mul_packed<weights_f32, half, float>) mul_packed_f16;

template [[host_name("mul_packed_q4_0_f32")]] kernel mul_packed_f32 mul_packed<weights_q4_0, float, float>;
template [[host_name("mul_packed_q4_0_f16")]] kernel mul_packed_f16 mul_packed<weights_q4_0, half, float>;
template [[host_name("mul_packed_q4_1_f32")]] kernel mul_packed_f32 mul_packed<weights_q4_1, float, float>;
template [[host_name("mul_packed_q4_1_f16")]] kernel mul_packed_f16 mul_packed<weights_q4_1, half, float>;
template [[host_name("mul_packed_q8_0_f32")]] kernel mul_packed_f32 mul_packed<weights_q8_0, float, float>;
template [[host_name("mul_packed_q8_0_f16")]] kernel mul_packed_f16 mul_packed<weights_q8_0, half, float>;
template [[host_name("mul_packed_f16_f32")]] kernel mul_packed_f32 mul_packed<weights_f16, float, float>;
template [[host_name("mul_packed_f16_f16")]] kernel mul_packed_f16 mul_packed<weights_f16, half, half>;
template [[host_name("mul_packed_f32_f32")]] kernel mul_packed_f32 mul_packed<weights_f32, float, float>;
template [[host_name("mul_packed_f32_f16")]] kernel mul_packed_f16 mul_packed<weights_f32, half, float>;
