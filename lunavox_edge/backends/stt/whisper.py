"""The backend for Whisper models in CTranslate2's format, run by faster-whisper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lunavox_edge.backends.base import Backend, Capabilities, LoadOptions
from lunavox_edge.backends.out_of_memory import is_out_of_memory
from lunavox_edge.backends.packages import missing_modules
from lunavox_edge.backends.stt import whisper_files, whisper_starter
from lunavox_edge.backends.stt.whisper_model import WhisperModel
from lunavox_edge.errors import BackendUnavailable, BrokenModel
from lunavox_edge.host.system import quiet_openmp
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind

_CUDA_SIGNS = ("cuda", "cublas", "cudnn", "gpu")


class WhisperBackend(Backend):
    """The Whisper family in CTranslate2's format."""

    name = "whisper"
    kind = ModelKind.STT
    capabilities = Capabilities(words=True, hotwords=True, parallel=True)

    @classmethod
    def missing(cls) -> str | None:
        """Return a sentence that says what to install, None if nothing is missing."""
        return missing_modules("Whisper", "starter", "faster_whisper", "ctranslate2")

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:
        """Return the models that are installed as packages."""
        return whisper_starter.packaged(cache_dir)

    @classmethod
    def discover(cls, folder: Path) -> Sequence[ModelEntry | BrokenEntry]:
        """Return the model folders below `folder`, broken ones with the reason."""
        return whisper_files.discover(folder)

    @classmethod
    def devices(cls) -> Sequence[str]:
        """Return the devices that CTranslate2 finds."""
        quiet_openmp()
        import ctranslate2

        count: int = ctranslate2.get_cuda_device_count()
        return (*(f"cuda:{number}" for number in range(count)), "cpu")

    def load(self, entry: ModelEntry, options: LoadOptions) -> WhisperModel:
        """Load a model; one that was installed in parts is joined first."""
        whisper_starter.prepare(entry.path)
        problem = whisper_files.folder_problem(entry.path)
        if problem is not None:
            raise BrokenModel(f"The model '{entry.name}' cannot be loaded: {problem}")
        quiet_openmp()
        import faster_whisper

        device, _, number = options.device.partition(":")
        compute_type = _compute_type(device, options.compute_type)
        try:
            engine = faster_whisper.WhisperModel(
                str(entry.path),
                device=device,
                device_index=int(number or 0),
                compute_type=compute_type,
                cpu_threads=options.threads,
                num_workers=options.workers,
                local_files_only=True,
            )
        except MemoryError:
            raise
        except Exception as error:  # the tokenizer library raises plain Exception
            if is_out_of_memory(error):
                raise MemoryError("CTranslate2 ran out of memory") from error
            text = str(error).lower()
            if device != "cpu" and any(sign in text for sign in _CUDA_SIGNS):
                raise BackendUnavailable(
                    f"Whisper does not run on {options.device}; set stt.device to cpu."
                ) from error
            raise BrokenModel(
                f"The model '{entry.name}' cannot be loaded: its files are damaged. Download it again."
            ) from error
        return WhisperModel(engine, languages=entry.languages, device=options.device)


def _compute_type(device: str, wanted: str) -> str:
    """Return the compute type to use; by default the smallest that is fast on the device.

    Raises BackendUnavailable if the device does not support the `wanted` type.
    """
    import ctranslate2

    supported = ctranslate2.get_supported_compute_types(device)
    if wanted not in ("default", "auto"):
        if wanted not in supported:
            known = ", ".join(sorted(supported))
            raise BackendUnavailable(
                f"This device does not support {wanted}. Set stt.compute_type to one of: {known}."
            )
        return wanted
    preferred = ("int8",) if device == "cpu" else ("int8_float16", "float16")
    return next((kind for kind in preferred if kind in supported), "default")
