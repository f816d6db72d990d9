#pragma once
#include "CFaceSearch.h"

/// FACES_STEP values at a time, whatever the processor's vectors are.
typedef float values __attribute__((vector_size(FACES_STEP * sizeof(float)), aligned(4)));
typedef double sums __attribute__((vector_size(FACES_STEP * sizeof(double))));
typedef int32_t wholes __attribute__((vector_size(FACES_STEP * sizeof(int32_t))));

// Macros and a pointer, since how such vectors are passed to functions depends on the processor.
#define LOAD(numbers) (*(const values *)(numbers))
#define IN_FLOAT64(numbers) __builtin_convertvector(numbers, sums)

/// Four bytes as they lie, to be repeated in a vector.
static inline int32_t four_of(const uint8_t *bytes) {
    int32_t value;
    __builtin_memcpy(&value, bytes, sizeof value);
    return value;
}

/// Their sum, added up in one order everywhere.
static inline double sum_of(const sums *each) {
    double lanes[FACES_STEP];
    for (size_t lane = 0; lane < FACES_STEP; lane++) lanes[lane] = (*each)[lane];
    for (size_t half = FACES_STEP / 2; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}
