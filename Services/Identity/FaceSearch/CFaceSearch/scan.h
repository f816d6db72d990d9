#pragma once
#include "kernels.h"
#include "vectors.h"
// Included once for each instruction set, with KERNEL(name) and `multiply` defined: dots[probe × 16 + row] of a panel's rows and
// the probes.

double KERNEL(faces_product)(const float *left, const float *right, size_t width) {
    sums sum = {0};
    for (size_t k = 0; k < width; k += FACES_STEP) sum += IN_FLOAT64(LOAD(left + k)) * IN_FLOAT64(LOAD(right + k));
    return sum_of(&sum);
}

size_t KERNEL(faces_scan)(
    const struct faces_panels *panels, size_t first_panel, size_t end_panel, const struct faces_probes *probes,
    const float *bars, struct faces_candidate *found) {
    size_t count = 0;
    int32_t dots[FACES_PROBES * FACES_PANEL] __attribute__((aligned(64)));
    for (size_t panel = first_panel; panel < end_panel; panel++) {
        multiply(panels->levels + panel * FACES_PANEL * panels->width, probes->levels, panels->width, probes->count, dots);
        const int32_t *offset = panels->offset + panel * FACES_PANEL;
        const float *scale = panels->scale + panel * FACES_PANEL;
        const float *error = panels->error + panel * FACES_PANEL;
        const float *length = panels->length + panel * FACES_PANEL;
        for (size_t probe = 0; probe < probes->count; probe++) {
            float bounds[FACES_PANEL];
            int any = 0;
            const float probe_scale = probes->scale[probe], probe_error = probes->error[probe];
            const float probe_length = probes->length[probe], bar = bars[probe];
            for (size_t row = 0; row < FACES_PANEL; row++) {
                const float levels = (float)(dots[probe * FACES_PANEL + row] - offset[row]);
                bounds[row] = scale[row] * (probe_scale * levels) + length[row] * probe_error + error[row] * probe_length;
                any |= bounds[row] >= bar;
            }
            if (any)
                for (size_t row = 0; row < FACES_PANEL; row++)
                    if (bounds[row] >= bar)
                        found[count++] = (struct faces_candidate){
                            (uint32_t)probe, (uint32_t)(panel * FACES_PANEL + row), bounds[row]};
        }
    }
    return count;
}
