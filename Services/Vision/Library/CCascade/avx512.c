#ifdef __x86_64__
#pragma clang attribute push( \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define LANES 16
#define KERNEL(name) name##_avx512
#include "rows.h"
#pragma clang attribute pop
#endif
