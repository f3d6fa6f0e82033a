"""Recognising errors of native libraries that mean exhausted memory, on the CPU or on a GPU."""

from __future__ import annotations

_SIGNS = ("out of memory", "alloc_failed", "allocate", "bad_alloc", "bad allocation")
"""Texts of CUDA, of cuBLAS and cuDNN (CUBLAS_STATUS_ALLOC_FAILED), of onnxruntime's arena, of C++."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means exhausted memory: it is a MemoryError, or its text says so."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _SIGNS)
