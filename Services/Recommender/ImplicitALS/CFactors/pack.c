#include "CFactors.h"

size_t factors_packed_size(size_t item_count, size_t width) {
    return (item_count + FACTORS_PANEL - 1) / FACTORS_PANEL * FACTORS_PANEL * width;
}

void factors_pack(const float *items, size_t item_count, size_t width, float *packed) {
    for (size_t first = 0; first < item_count; first += FACTORS_PANEL, packed += FACTORS_PANEL * width)
        for (size_t k = 0; k < width; k++)
            for (size_t item = 0; item < FACTORS_PANEL; item++)
                packed[k * FACTORS_PANEL + item] = first + item < item_count ? items[(first + item) * width + k] : 0;
}
