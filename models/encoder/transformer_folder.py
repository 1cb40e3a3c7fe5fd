"""Loading a sentence-transformers folder and taking it apart."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.encoder.prompted import PromptedTokenizer
from models.errors import WeightsError

_WINDOW_TOKENS = 512
_DEFAULT_PROMPT = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerFolder:
    """The parts of a loaded folder.

    Attributes:
        transformer: The first module: tokens in, hidden states of every layer out.
        poolings: The modules after it, short of a last normalisation: windows are averaged before that.
        tokenizer: Makes the tokens.
        prefix: What is put before each text.
        layers: Depth of the transformer.
        hidden_size: Width of its hidden states.
    """

    transformer: Any
    poolings: tuple[Any, ...]
    tokenizer: PromptedTokenizer
    prefix: str
    layers: int
    hidden_size: int


def load_transformer_folder(folder: Path) -> TransformerFolder:
    """Load a folder on the CPU in float32.

    The prefix is the folder's default prompt, or else the one named `query`.

    Args:
        folder: A sentence-transformers folder.

    Raises:
        WeightsError: It is not one, or its first module is not a transformer.
    """
    # Imported here: it takes seconds, and a process with another runtime never needs it.
    from safetensors import SafetensorError  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer.modules import Normalize, Transformer  # noqa: PLC0415

    try:
        with _quiet():
            model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
        raise WeightsError(f"Expected a sentence-transformers folder at {folder}, found: {error}") from error
    modules: list[Any] = list(model.float().eval())
    if not isinstance(modules[0], Transformer):
        raise WeightsError(
            f"Expected a transformer as the first module in {folder}, found {type(modules[0]).__name__}."
        )
    if isinstance(modules[-1], Normalize):
        modules.pop()
    config: Any = modules[0].auto_model.config
    config.output_hidden_states = True
    prefix = model.prompts.get(model.default_prompt_name or _DEFAULT_PROMPT) or ""
    window = min(model.get_max_seq_length() or _WINDOW_TOKENS, _WINDOW_TOKENS)
    return TransformerFolder(
        transformer=modules[0],
        poolings=tuple(modules[1:]),
        tokenizer=PromptedTokenizer(model.tokenizer, prefix=prefix, window=window),
        prefix=prefix,
        layers=int(config.num_hidden_layers),
        hidden_size=int(config.hidden_size),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the loader's progress bar and advice off the terminal."""
    from transformers.utils import logging as untyped_bars  # noqa: PLC0415 (see load_transformer_folder)

    bars: Any = untyped_bars
    advice = logging.getLogger("sentence_transformers")
    level, bar = advice.level, bars.is_progress_bar_enabled()
    advice.setLevel(logging.ERROR)
    bars.disable_progress_bar()
    try:
        yield
    finally:
        advice.setLevel(level)
        if bar:
            bars.enable_progress_bar()
