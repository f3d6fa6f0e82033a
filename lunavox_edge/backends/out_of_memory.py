"""Telling from an error of a native library that memory ran out, on the CPU or on a GPU."""

from __future__ import annotations

_SIGNS = ("out of memory", "alloc_failed", "allocate", "bad_alloc", "bad allocation")
"""Of CUDA, of cuBLAS and cuDNN (CUBLAS_STATUS_ALLOC_FAILED), of onnxruntime's arena, of C++."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says so; it may be a MemoryError, or say it in its text only."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _SIGNS)
