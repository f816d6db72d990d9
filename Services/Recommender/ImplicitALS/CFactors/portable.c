#define LANES 4
#define KERNEL(name) name##_portable
#include "conjugate_gradient.h"
#include "ranking.h"
