#pragma once
// Included once for each instruction set, with LANES, the floats of a vector, defined.

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

ALWAYS_INLINE lanes load(const float *numbers) { return *(const lanes *)numbers; }
ALWAYS_INLINE void store(float *numbers, lanes values) { *(lanes *)numbers = values; }
