#include "kernels.h"

void cascade_pack(const float *weights, size_t outputs, size_t inputs, size_t kernel, float *packed) {
    const size_t window = inputs * kernel * kernel;
    for (size_t group = 0; group < outputs; group += CASCADE_GROUP) {
        const size_t end = group + CASCADE_GROUP < outputs ? group + CASCADE_GROUP : outputs;
        for (size_t place = 0; place < window; place++)
            for (size_t output = group; output < end; output++) *packed++ = weights[output * window + place];
    }
}

void cascade_transform(const float *weights, size_t outputs, size_t inputs, float *transformed) {
    for (size_t group = 0; group < outputs; group += CASCADE_GROUP) {
        const size_t end = group + CASCADE_GROUP < outputs ? group + CASCADE_GROUP : outputs;
        for (int part = 0; part < 4; part++)
            for (size_t in = 0; in < inputs; in++)
                for (size_t kx = 0; kx < 3; kx++)
                    for (size_t output = group; output < end; output++) {
                        const float *window = weights + (output * inputs + in) * 9 + kx;
                        const float a = window[0], b = window[3], c = window[6];
                        *transformed++ = part == 0 ? (a + b + c) / 2 : part == 1 ? (a - b + c) / 2 : part == 2 ? a : -c;
                    }
    }
}

size_t cascade_output_size(const struct cascade_layer *layer, size_t size) {
    if (size < layer->kernel) return 0;
    size -= layer->kernel - 1;
    if (!layer->pool) return size;
    return size <= layer->pool ? 1 : (size - layer->pool + 1) / 2 + 1;
}

/// A layer at work: what it convolved, as far as its maximum needs it, and what it made, as far as the next layer needs it.
struct stage {
    const struct cascade_layer *layer;
    size_t convolved_height, convolved_columns;
    struct cascade_rows convolved, made;
    /// Rows so far.
    size_t convolved_count, made_count;
};

/// One instruction set's kernels.
struct kernels {
    __typeof__(&cascade_convolve_portable) convolve;
    __typeof__(&cascade_convolve_pair_portable) convolve_pair;
    __typeof__(&cascade_maximum_portable) maximum;
};

static struct kernels kernels_for(enum processor_instructions instructions) {
#define KERNELS(set) (struct kernels){cascade_convolve_##set, cascade_convolve_pair_##set, cascade_maximum_##set}
    switch (instructions) {
#ifdef __x86_64__
    case PROCESSOR_AVX512: return KERNELS(avx512);
    case PROCESSOR_AVX2: return KERNELS(avx2);
#endif
    default: return KERNELS(portable);
    }
#undef KERNELS
}

struct run {
    struct kernels kernels;
    size_t pictures;
    struct cascade_rows input;
    /// Room for one row of the widest stage.
    float *line;
    /// Room for the transformed input of a pair of rows.
    float *seen;
    struct stage stages[CASCADE_LAYERS];
};

static float *row(const struct cascade_rows *rows, size_t y) { return rows->values + y % rows->height * rows->row; }

/// Whether the stage makes row y together with the next one.
static bool makes_pair(const struct run *run, const struct stage *stage, size_t y) {
    return stage->layer->transformed && run->pictures <= CASCADE_PAIR_PICTURES && y + 1 < stage->convolved_height;
}

/// Convolves row y, and the next one where they are a pair; returns how many.
static size_t convolve(struct run *run, struct stage *stage, const struct cascade_rows *input, size_t y, struct cascade_rows *rows) {
    const size_t numbers = stage->convolved_columns * run->pictures;
    if (!makes_pair(run, stage, y)) {
        run->kernels.convolve(stage->layer, input, y, run->pictures, numbers, row(rows, y), rows->plane);
        return 1;
    }
    run->kernels.convolve_pair(
        stage->layer, input, y, run->pictures, numbers, run->seen, row(rows, y), row(rows, y + 1), rows->plane);
    return 2;
}

static void maximum(struct run *run, struct stage *stage, size_t y) {
    const size_t left = stage->convolved_height - 2 * y, pool = stage->layer->pool;
    run->kernels.maximum(
        stage->layer, &stage->convolved, 2 * y, left < pool ? left : pool, stage->convolved_columns, run->pictures, run->line,
        row(&stage->made, y), stage->made.plane);
}

/// Has the stage make its rows up to `count`.
static void make(struct run *run, size_t index, size_t count) {
    struct stage *stage = &run->stages[index];
    const size_t kernel = stage->layer->kernel, pool = stage->layer->pool;
    const struct cascade_rows *input = index > 0 ? &run->stages[index - 1].made : &run->input;
    struct cascade_rows *convolved = pool ? &stage->convolved : &stage->made;
    for (; stage->made_count < count; stage->made_count++) {
        const size_t y = stage->made_count;
        size_t needed = pool ? 2 * y + pool : y + 1;
        if (needed > stage->convolved_height) needed = stage->convolved_height;
        while (stage->convolved_count < needed) {
            const size_t next = stage->convolved_count;
            if (index > 0) make(run, index - 1, next + kernel + makes_pair(run, stage, next));
            stage->convolved_count += convolve(run, stage, input, next, convolved);
        }
        if (pool) maximum(run, stage, y);
    }
}

/// Lays the stages' rows out from `scratch` on; returns how many numbers that takes.
static size_t lay_out(
    struct run *run, const struct cascade_layer *layers, size_t count, size_t rows, size_t columns, size_t pictures, float *scratch) {
    size_t taken = cascade_padded(columns * pictures), inputs = 0;
    run->line = scratch;
    for (size_t index = 0; index < count; index++)
        if (layers[index].inputs > inputs) inputs = layers[index].inputs;
    run->seen = scratch ? scratch + taken : 0;
    taken += 4 * inputs * CASCADE_PAIR_WIDTH;
    for (size_t index = 0; index < count; index++) {
        const struct cascade_layer *layer = &layers[index];
        struct stage *stage = &run->stages[index];
        *stage = (struct stage){.layer = layer};
        stage->convolved_height = rows - (layer->kernel - 1);
        stage->convolved_columns = columns - (layer->kernel - 1);
        if (layer->pool) {
            const size_t plane = cascade_padded(stage->convolved_columns * pictures);
            stage->convolved = (struct cascade_rows){
                .values = scratch ? scratch + taken : 0, .height = layer->pool + 1, .row = layer->outputs * plane, .plane = plane};
            taken += (layer->pool + 1) * layer->outputs * plane;
        }
        rows = cascade_output_size(layer, rows);
        columns = cascade_output_size(layer, columns);
        const size_t plane = cascade_padded(columns * pictures);
        // What the next layer sees of a pair of rows, and one that was made with its last.
        const size_t height = (index + 1 < count ? layers[index + 1].kernel + 1 : 1) + 1;
        stage->made = (struct cascade_rows){
            .values = scratch ? scratch + taken : 0, .height = height, .row = layer->outputs * plane, .plane = plane};
        taken += height * layer->outputs * plane;
    }
    return taken;
}

size_t cascade_scratch_size(const struct cascade_layer *layers, size_t count, size_t columns, size_t pictures) {
    struct run run;
    // No row's length depends on the number of rows.
    return lay_out(&run, layers, count, columns, columns, pictures, 0);
}

void cascade_run(
    enum processor_instructions instructions, const struct cascade_layer *layers, size_t count, const float *input, size_t rows,
    size_t columns, size_t pictures, float *scratch, float *output) {
    struct run run = {.kernels = kernels_for(instructions), .pictures = pictures};
    run.input = (struct cascade_rows){
        .values = (float *)input, .height = rows, .row = columns * pictures, .plane = rows * columns * pictures};
    lay_out(&run, layers, count, rows, columns, pictures, scratch);
    size_t width = columns, height = rows;
    for (size_t index = 0; index < count; index++) {
        width = cascade_output_size(&layers[index], width);
        height = cascade_output_size(&layers[index], height);
    }
    const size_t outputs = layers[count - 1].outputs, numbers = width * pictures;
    const struct cascade_rows *last = &run.stages[count - 1].made;
    for (size_t y = 0; y < height; y++) {
        make(&run, count - 1, y + 1);
        const float *made = row(last, y);
        for (size_t channel = 0; channel < outputs; channel++)
            __builtin_memcpy(output + (channel * height + y) * numbers, made + channel * last->plane, numbers * sizeof(float));
    }
}
