"""Training of the networks in Models/."""

import os

# Read when torch is imported. Without AMX's CPUID leaf some virtual machines stop oneDNN's bf16 kernels with SIGILL.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
# Threads that wait must not spin: other work may need the processor.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
