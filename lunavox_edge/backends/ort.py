"""ONNX models: a cheap check for damaged files, and onnxruntime sessions that use little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from lunavox_edge.backends.out_of_memory import is_out_of_memory
from lunavox_edge.backends.scan import LFS_MARK, LFS_PROBLEM
from lunavox_edge.errors import BackendUnavailable, BrokenModel
from lunavox_edge.host.system import forbid_telemetry

_CUDA = "CUDAExecutionProvider"
_GRAPH_FIELD = 7
_MAX_FIELDS = 10_000
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10


def onnx_problem(path: Path) -> str | None:
    """Return what is wrong with an ONNX file, as the end of a sentence; None if its structure is complete.

    Reads only the headers of the outermost protobuf fields, which shows whether a file is empty, truncated
    or of another kind without loading it.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if file.read(len(LFS_MARK)) == LFS_MARK:
                return LFS_PROBLEM
            file.seek(0)
            return "is empty" if size == 0 else _outline_problem(file, size)
    except OSError as error:
        return f"cannot be read ({error.strerror})"


class OrtSession:
    """An open model. Thread-safe. Its threads do not spin, and it keeps little memory between runs."""

    def __init__(self, native: Any, run_options: Any, last_options: Any) -> None:  # noqa: ANN401  # no types exist
        """Wrap a session of onnxruntime; `last_options` are for a run that is the last for now."""
        self._native = native
        self._run_options = run_options
        self._last_options = last_options

    def run(
        self, outputs: Sequence[str] | None, feeds: Mapping[str, Any], *, is_last: bool = False
    ) -> list[Any]:
        """Run the model. `is_last`: no run follows soon, so that a `steady` session frees its memory.

        Raises MemoryError, or one of `failures()` if the model rejects the input.
        """
        options = self._last_options if is_last else self._run_options
        with memory_errors():
            found: list[Any] = self._native.run(outputs, feeds, options)
        return found

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(port.name for port in self._native.get_inputs())

    @property
    def notes(self) -> dict[str, str]:
        """Metadata of the model."""
        found: dict[str, str] = self._native.get_modelmeta().custom_metadata_map
        return found


def open_session(path: Path, *, device: str = "cpu", threads: int = 1, steady: bool = False) -> OrtSession:
    """Open a model. `steady`: it runs often with similar sizes, so it keeps its memory between runs.

    Raises BrokenModel for a bad file, BackendUnavailable if onnxruntime would not use `device`, MemoryError.
    """
    forbid_telemetry()
    import onnxruntime

    unusable = f"This onnxruntime does not run on {device}; install one built for its GPU."
    if device != "cpu" and _CUDA not in onnxruntime.get_available_providers():
        raise BackendUnavailable(unusable)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads that spin would take a core from the other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = False
    # Planning which tensors share memory takes three quarters of the time of opening a Piper voice (it
    # grows with the square of the number of nodes) and saves nothing measurable.
    options.enable_mem_reuse = False
    run_options, last_options = onnxruntime.RunOptions(), onnxruntime.RunOptions()
    run_options.log_severity_level = last_options.log_severity_level = 3
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "cpu":
        # An arena that is shrunk after each run is faster than none (by a tenth for speech). By default
        # it would permanently keep the memory that the longest sentence needed.
        for shrinking in (last_options,) if steady else (last_options, run_options):
            shrinking.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    elif device != "cpu":
        number = int(device.partition(":")[2] or 0)
        cuda = {"device_id": number, "cudnn_conv_algo_search": "HEURISTIC"}
        providers.insert(0, (_CUDA, cuda))
    try:
        with memory_errors():
            native = onnxruntime.InferenceSession(str(path), sess_options=options, providers=providers)
    except failures() as error:
        if device != "cpu":
            raise BackendUnavailable(f"onnxruntime cannot open the model on {device}.") from error
        raise BrokenModel(f"The model file {path.name} is damaged or not for this version.") from error
    if device != "cpu" and _CUDA not in native.get_providers():
        # onnxruntime has logged the reason and fallen back to the CPU.
        raise BackendUnavailable(unusable)
    return OrtSession(native, run_options, last_options)


def devices() -> tuple[str, ...]:
    """Return the devices that the installed onnxruntime was built for, best first."""
    forbid_telemetry()
    import onnxruntime

    if _CUDA in onnxruntime.get_available_providers():
        return ("cuda:0", "cpu")
    return ("cpu",)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn onnxruntime's various errors for exhausted memory into MemoryError."""
    try:
        yield
    except failures() as error:
        if is_out_of_memory(error):
            raise MemoryError("onnxruntime ran out of memory") from error
        raise


@cache
def failures() -> tuple[type[Exception], ...]:
    """Return the exception types of onnxruntime, which have no common base class of their own."""
    forbid_telemetry()
    state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    kinds = (value for value in vars(state).values() if isinstance(value, type))
    return (RuntimeError, ValueError, *(kind for kind in kinds if issubclass(kind, Exception)))


def _outline_problem(file: BinaryIO, size: int) -> str | None:
    """Check the outermost protobuf fields of a ModelProto."""
    has_graph = False
    for _ in range(_MAX_FIELDS):
        if file.tell() == size:
            return None if has_graph else "is not an ONNX model"
        tag = _varint(file)
        field, wire = divmod(tag or 0, 8)
        if tag is None or field == 0 or wire not in (_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES):
            return "is not an ONNX model"
        step = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(wire, 0)
        if wire in (_VARINT, _LENGTH):
            number = _varint(file)
            if number is None:
                return "is cut short; copy or download it again"
            step = number if wire == _LENGTH else 0
        if file.tell() + step > size:
            return (
                "is cut short; copy or download it again"
                if has_graph or field == _GRAPH_FIELD
                else "is not an ONNX model"
            )
        has_graph = has_graph or field == _GRAPH_FIELD
        file.seek(step, 1)
    return "is not an ONNX model"


def _varint(file: BinaryIO) -> int | None:
    value = 0
    for index in range(_MAX_VARINT_BYTES):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << (7 * index)
        if byte[0] < 0x80:  # noqa: PLR2004  # the continuation bit
            return value
    return None
