#ifdef __x86_64__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define KERNEL(name) name##_avx2
#include "rows.h"
#pragma clang attribute pop
#endif
