"""Bindings to the C library of TensorFlow Lite, as far as streaming wake words need it.

Every return value is checked, because the models are files that users put into folders.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunavox_edge.errors import BackendUnavailable, BrokenModel, InternalError

_OK = 0
_TYPES: dict[int, type[np.integer[Any]]] = {3: np.uint8, 9: np.int8}
_FEATURE_DIMENSIONS = 3

Quantized = NDArray[np.integer[Any]]


class Program:
    """One model file in memory, shared by the interpreters that run it."""

    def __init__(self, library: Path, content: bytes) -> None:
        """Create a model from a file's content. Raises BackendUnavailable (for the library), BrokenModel."""
        self.library = _open(str(library))
        # The library reads from this memory as long as the model exists.
        self._content = content
        self.handle: int | None = self.library.TfLiteModelCreate(content, len(content))
        if not self.handle:
            raise BrokenModel("It is not a complete TensorFlow Lite model.")

    def close(self) -> None:
        """Free the model; its interpreters must be closed before. Idempotent."""
        handle, self.handle = self.handle, None
        if handle:
            self.library.TfLiteModelDelete(handle)


class Interpreter:
    """A model with the state of one stream; each run takes `steps` rows of features."""

    def __init__(self, program: Program, features: int) -> None:
        """Allocate the state. Raises BrokenModel if the model does not take rows of `features` numbers."""
        library = self._library = program.library
        self._handle: int | None = library.TfLiteInterpreterCreate(program.handle, None)
        if not self._handle:
            raise BrokenModel("TensorFlow Lite does not accept this model.")
        try:
            self._prepare(features)
        except BaseException:
            self.close()
            raise
        quantized = library.TfLiteTensorQuantizationParams(self._input)
        self._scale, self._zero = np.float32(quantized.scale or 1.0), np.float32(quantized.zero_point)
        answer = library.TfLiteTensorQuantizationParams(self._output)
        self._answer_scale, self._answer_zero = float(answer.scale), int(answer.zero_point)
        self._answer = np.zeros(1, self._out_of)
        self._limits = np.iinfo(self._into)

    def run(self, rows: NDArray[np.float32]) -> float:
        """Take the next `steps` rows; return the probability. Raises InternalError."""
        library, handle = self._library, self._handle
        quantized: Quantized = np.clip(
            np.rint(rows / self._scale + self._zero), self._limits.min, self._limits.max
        ).astype(self._into)
        if (
            handle is None
            or library.TfLiteTensorCopyFromBuffer(self._input, quantized.ctypes.data, quantized.nbytes) != _OK
            or library.TfLiteInterpreterInvoke(handle) != _OK
            or library.TfLiteTensorCopyToBuffer(self._output, self._answer.ctypes.data, 1) != _OK
        ):
            raise InternalError("The wake word engine failed; details are in the log.")
        return (int(self._answer[0]) - self._answer_zero) * self._answer_scale

    def close(self) -> None:
        """Free the state. Idempotent."""
        handle, self._handle = self._handle, None
        if handle:
            self._library.TfLiteInterpreterDelete(handle)

    def _prepare(self, features: int) -> None:
        library = self._library
        if library.TfLiteInterpreterAllocateTensors(self._handle) != _OK:
            raise BrokenModel("TensorFlow Lite cannot run this model.")
        self._input = library.TfLiteInterpreterGetInputTensor(self._handle, 0)
        self._output = library.TfLiteInterpreterGetOutputTensor(self._handle, 0)
        if not self._input or not self._output:
            raise BrokenModel("This model has no input or no output.")
        self.steps = self._steps(features)
        self._into, self._out_of = _type(library, self._input), _type(library, self._output)
        if library.TfLiteTensorByteSize(self._output) != 1:
            raise BrokenModel("This model is not for a wake word: its output is not one number.")

    def _steps(self, features: int) -> int:
        library, tensor = self._library, self._input
        count = library.TfLiteTensorNumDims(tensor)
        shape = tuple(library.TfLiteTensorDim(tensor, index) for index in range(count))
        if count != _FEATURE_DIMENSIONS or shape[0] != 1 or shape[1] < 1 or shape[2] != features:
            raise BrokenModel("This model is not for a wake word: its input is not audio features.")
        return int(shape[1])


class _Quantization(ctypes.Structure):
    _fields_ = (("scale", ctypes.c_float), ("zero_point", ctypes.c_int32))


_POINTER, _INT, _SIZE = ctypes.c_void_p, ctypes.c_int32, ctypes.c_size_t
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "TfLiteModelCreate": (_POINTER, (ctypes.c_char_p, _SIZE)),
    "TfLiteModelDelete": (None, (_POINTER,)),
    "TfLiteInterpreterCreate": (_POINTER, (_POINTER, _POINTER)),
    "TfLiteInterpreterDelete": (None, (_POINTER,)),
    "TfLiteInterpreterAllocateTensors": (_INT, (_POINTER,)),
    "TfLiteInterpreterInvoke": (_INT, (_POINTER,)),
    "TfLiteInterpreterGetInputTensor": (_POINTER, (_POINTER, _INT)),
    "TfLiteInterpreterGetOutputTensor": (_POINTER, (_POINTER, _INT)),
    "TfLiteTensorType": (_INT, (_POINTER,)),
    "TfLiteTensorNumDims": (_INT, (_POINTER,)),
    "TfLiteTensorDim": (_INT, (_POINTER, _INT)),
    "TfLiteTensorByteSize": (_SIZE, (_POINTER,)),
    "TfLiteTensorQuantizationParams": (_Quantization, (_POINTER,)),
    "TfLiteTensorCopyFromBuffer": (_INT, (_POINTER, _POINTER, _SIZE)),
    "TfLiteTensorCopyToBuffer": (_INT, (_POINTER, _POINTER, _SIZE)),
}


@cache
def _open(path: str) -> Any:  # noqa: ANN401  # functions of a C library
    """Open the library with local symbols: other libraries in this process define the same ones."""
    try:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in _FUNCTIONS.items():
            function: Callable[..., Any] = getattr(library, name)
            function.restype, function.argtypes = result, arguments  # type: ignore[attr-defined]
    except (OSError, AttributeError) as error:
        raise BackendUnavailable(
            "The library for wake words does not work here; it needs Linux with glibc 2.35 or later."
        ) from error
    return library


def _type(library: Any, tensor: int) -> type[np.integer[Any]]:  # noqa: ANN401
    found = _TYPES.get(library.TfLiteTensorType(tensor))
    if found is None:
        raise BrokenModel("This model is not for a wake word: it is not quantized to 8 bits.")
    return found
