#define LANES 4
#define KERNEL(name) name##_portable
#include "rows.h"
