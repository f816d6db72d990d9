// 3x3 convolutions, stride 1, padding 1, forward and backward by Winograd's F(4x4, 3x3) (Lavin and Gray, 2016): 36
// multiplications for 16 outputs instead of 144. Images are [N, H, W, C] (PyTorch's channels_last), C a multiple of 64.
// The backward pass uses the exact adjoints of the forward transforms. Built and called by winograd.py.

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

typedef float Vector __attribute__((vector_size(64), aligned(64), may_alias));
constexpr int lanes = 16, points = 36, chunkTiles = 64;

constexpr float inputTransform[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                        {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
constexpr float outputTransform[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

template <int rows, int columns>
struct Matrix {
    float at[rows][columns];
};

template <int rows, int columns>
constexpr Matrix<rows, columns> plain(const float (&m)[rows][columns]) {
    Matrix<rows, columns> result{};
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) result.at[i][j] = m[i][j];
    return result;
}

template <int rows, int columns>
constexpr Matrix<columns, rows> transposed(const float (&m)[rows][columns]) {
    Matrix<columns, rows> result{};
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) result.at[j][i] = m[i][j];
    return result;
}

// The four 2-d transforms X -> m X m^T.
struct Input { static constexpr auto m = plain(inputTransform); static constexpr int rows = 6, columns = 6; };
struct Output { static constexpr auto m = plain(outputTransform); static constexpr int rows = 4, columns = 6; };
struct InputAdjoint { static constexpr auto m = transposed(inputTransform); static constexpr int rows = 6, columns = 6; };
struct OutputAdjoint { static constexpr auto m = transposed(outputTransform); static constexpr int rows = 6, columns = 4; };

template <class Transform>
inline __attribute__((always_inline)) Vector combine(int row, const Vector* x, int stride) {
    Vector sum = {};
#pragma GCC unroll 6
    for (int k = 0; k < Transform::columns; k++) {
        const float factor = Transform::m.at[row][k];
        if (factor == 0) continue;
        sum += factor * x[k * stride];
    }
    return sum;
}

template <class Transform>
inline void apply(const Vector* x, Vector* y) {
    Vector half[Transform::rows * Transform::columns];
#pragma GCC unroll 6
    for (int i = 0; i < Transform::rows; i++)
#pragma GCC unroll 6
        for (int j = 0; j < Transform::columns; j++)
            half[i * Transform::columns + j] = combine<Transform>(i, x + j, Transform::columns);
#pragma GCC unroll 6
    for (int i = 0; i < Transform::rows; i++)
#pragma GCC unroll 6
        for (int j = 0; j < Transform::rows; j++)
            y[i * Transform::rows + j] = combine<Transform>(j, half + i * Transform::columns, 1);
}

// Memory of one thread that outlives a call: fresh pages would cost as much as the arithmetic.
struct Buffer {
    float* data = nullptr;
    long capacity = 0;

    float* take(long count) {
        if (count > capacity) {
            std::free(data);
            data = (float*)std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
            capacity = count;
        }
        return data;
    }
    ~Buffer() { std::free(data); }
};
thread_local Buffer inputTiles, outputTiles, weightSums, packedLeft, packedRight;

// 4 rows and 64 columns of a product over `depth`: 16 accumulators. left(r, k) is the left factor, `panel` the right one.
template <class Left>
inline __attribute__((always_inline)) void multiplyBlock(Left left, const Vector* panel, int depth, Vector* sums) {
    for (int i = 0; i < 16; i++) sums[i] = Vector{};
    for (long k = 0; k < depth; k++) {
        const Vector right0 = panel[4 * k], right1 = panel[4 * k + 1], right2 = panel[4 * k + 2], right3 = panel[4 * k + 3];
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            const float factor = left(r, k);
            sums[4 * r] += factor * right0;
            sums[4 * r + 1] += factor * right1;
            sums[4 * r + 2] += factor * right2;
            sums[4 * r + 3] += factor * right3;
        }
    }
}

// c[rows, columns] (+)= a b, with b[depth, columns] and a[rows, depth], or a[depth, rows] where `transposed`. rows is a
// multiple of 4, columns of 64. Strided operands are packed first, because their rows would fall on few cache sets.
template <bool transposed, bool accumulate>
void multiply(const float* a, const float* b, float* c, int rows, int depth, int columns) {
    float* packed = transposed ? packedLeft.take(long(rows) * depth) : nullptr;
    if (transposed)
        for (long k = 0; k < depth; k++)
            for (long row = 0; row < rows; row += 4)
                std::memcpy(packed + (row * depth + 4 * k), a + k * rows + row, 4 * sizeof(float));
    Vector* panel = (Vector*)packedRight.take(long(depth) * 4 * lanes);
    for (int column = 0; column < columns; column += 4 * lanes) {
        for (long k = 0; k < depth; k++)
            for (int i = 0; i < 4; i++) panel[4 * k + i] = *(const Vector*)(b + k * columns + column + i * lanes);
        for (long row = 0; row < rows; row += 4) {
            Vector sums[16];
            if (transposed) {
                const float* left = packed + row * depth;
                multiplyBlock([=](int r, long k) { return left[4 * k + r]; }, panel, depth, sums);
            } else {
                const float *row0 = a + row * depth, *row1 = row0 + depth, *row2 = row1 + depth, *row3 = row2 + depth;
                const float* const left[] = {row0, row1, row2, row3};
                multiplyBlock([=](int r, long k) { return left[r][k]; }, panel, depth, sums);
            }
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++) {
                    Vector& target = *(Vector*)(c + (row + r) * columns + column + i * lanes);
                    target = accumulate ? target + sums[4 * r + i] : sums[4 * r + i];
                }
        }
    }
}

// Some images of the batch, cut into tiles of 4x4 outputs; `tiles` is rounded up to whole blocks of `multiply`.
struct Chunk {
    int firstImage, images, side, across, tiles;

    Chunk(int first, int count, int side) : firstImage(first), images(count), side(side), across((side + 3) / 4) {
        tiles = (images * across * across + 7) / 8 * 8;
    }

    // Calls body(tile index, image, top, left) for every tile.
    template <class Body>
    void forEachTile(Body body) const {
        int tile = 0;
        for (int image = firstImage; image < firstImage + images; image++)
            for (int y = 0; y < across; y++)
                for (int x = 0; x < across; x++) body(tile++, image, 4 * y, 4 * x);
    }
};

// size x size pixels at (top, left) of an image, zero outside of it.
inline void load(const float* image, int side, int channels, int top, int left, int size, Vector* pixels) {
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            const int row = top + y, column = left + x;
            const bool inside = row >= 0 && row < side && column >= 0 && column < side;
            pixels[y * size + x] = inside ? *(const Vector*)(image + long(row * side + column) * channels) : Vector{};
        }
}

// transformed[point][tile][channel] of the tiles of x; `offset` is -1 for inputs (padding) and 0 for outputs.
template <class Transform, int size, int offset>
void gather(const Chunk& chunk, const float* x, int channels, float* transformed) {
    chunk.forEachTile([&](int tile, int image, int top, int left) {
        const float* pixels = x + long(image) * chunk.side * chunk.side * channels;
        for (int channel = 0; channel < channels; channel += lanes) {
            Vector tileIn[size * size], tileOut[points];
            load(pixels + channel, chunk.side, channels, top + offset, left + offset, size, tileIn);
            apply<Transform>(tileIn, tileOut);
            for (int p = 0; p < points; p++)
                *(Vector*)(transformed + (long(p) * chunk.tiles + tile) * channels + channel) = tileOut[p];
        }
    });
}

// Writes (or adds, where tiles overlap) the transforms of transformed[point][tile][channel] to the pixels of y.
template <class Transform, int size, int offset, bool add>
void scatter(const Chunk& chunk, const float* transformed, int channels, float* y) {
    chunk.forEachTile([&](int tile, int image, int top, int left) {
        float* pixels = y + long(image) * chunk.side * chunk.side * channels;
        for (int channel = 0; channel < channels; channel += lanes) {
            Vector tileIn[points], tileOut[size * size];
            for (int p = 0; p < points; p++)
                tileIn[p] = *(const Vector*)(transformed + (long(p) * chunk.tiles + tile) * channels + channel);
            apply<Transform>(tileIn, tileOut);
            for (int i = 0; i < size * size; i++) {
                const int row = top + offset + i / size, column = left + offset + i % size;
                if (row < 0 || row >= chunk.side || column < 0 || column >= chunk.side) continue;
                Vector* pixel = (Vector*)(pixels + long(row * chunk.side + column) * channels + channel);
                *pixel = add ? *pixel + tileOut[i] : tileOut[i];
            }
        }
    });
}

int imagesPerChunk(int side) {
    const int across = (side + 3) / 4;
    return std::max(1, chunkTiles / (across * across));
}

}  // namespace

// y = x * w for transformed weights u[36][inputs][outputs].
extern "C" void winograd_forward(const float* x, const float* u, float* y, int count, int side, int inputs, int outputs,
                                 int threads) {
    const int step = imagesPerChunk(side);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int first = 0; first < count; first += step) {
        const Chunk chunk(first, std::min(step, count - first), side);
        float* v = inputTiles.take(long(points) * chunk.tiles * inputs);
        float* m = outputTiles.take(long(points) * chunk.tiles * outputs);
        gather<Input, 6, -1>(chunk, x, inputs, v);
        for (long p = 0; p < points; p++)
            multiply<false, false>(v + p * chunk.tiles * inputs, u + p * inputs * outputs,
                     m + p * chunk.tiles * outputs, chunk.tiles, inputs, outputs);
        scatter<Output, 4, 0, false>(chunk, m, outputs, y);
    }
}

// Gradients: dx (all zero on entry) and du[36][inputs][outputs] (all zero on entry), given dy, x and the transposed
// transformed weights ut[36][outputs][inputs].
extern "C" void winograd_backward(const float* dy, const float* x, const float* ut, float* dx, float* du, int count,
                                  int side, int inputs, int outputs, int threads) {
    const int step = imagesPerChunk(side);
    const long weights = long(points) * inputs * outputs;
#pragma omp parallel num_threads(threads)
    {
        float* sum = weightSums.take(weights);
        std::memset(sum, 0, weights * sizeof(float));
#pragma omp for schedule(dynamic)
        for (int first = 0; first < count; first += step) {
            const Chunk chunk(first, std::min(step, count - first), side);
            const long vSize = long(points) * chunk.tiles * inputs, mSize = long(points) * chunk.tiles * outputs;
            float *v = inputTiles.take(vSize), *dm = outputTiles.take(mSize);
            if (chunk.tiles != chunk.images * chunk.across * chunk.across) {
                std::memset(v, 0, vSize * sizeof(float));
                std::memset(dm, 0, mSize * sizeof(float));
            }
            gather<Input, 6, -1>(chunk, x, inputs, v);
            gather<OutputAdjoint, 4, 0>(chunk, dy, outputs, dm);
            for (long p = 0; p < points; p++) {
                float* vp = v + p * chunk.tiles * inputs;
                const float* dmp = dm + p * chunk.tiles * outputs;
                multiply<true, true>(vp, dmp, sum + p * inputs * outputs, inputs, chunk.tiles, outputs);
                multiply<false, false>(dmp, ut + p * inputs * outputs, vp, chunk.tiles, outputs, inputs);
            }
            scatter<InputAdjoint, 6, -1, true>(chunk, v, inputs, dx);
        }
#pragma omp critical
        for (long i = 0; i < weights; i++) du[i] += sum[i];
    }
}
