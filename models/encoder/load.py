"""From settings to an encoder that is ready to use."""

from collections.abc import Callable
from pathlib import Path

from models.encoder.hashing import HashingEncoder
from models.encoder.protocol import Encoder
from models.encoder.sentence import SentenceEncoder
from models.errors import RuntimeMissingError
from models.weights import prepare_encoder

HASHING = "hashing"
RUNTIMES = ("auto", "torch")


def load_encoder(
    source: str,
    cache: Path,
    runtime: str = "auto",
    *,
    report: Callable[[str], None],
    threads: int | None = None,
) -> Encoder:
    """Prepare an encoder's weights and load them.

    Args:
        source: As for `models.weights.prepare_encoder`, or `hashing` for the encoder without weights.
        cache: Where converted encoders are kept.
        runtime: One of `RUNTIMES`; `auto` is `torch`.
        report: Is told in a sentence what is going on and how long about it takes.
        threads: Threads of one forward pass; `None` leaves it to the runtime.

    Returns:
        The encoder.

    Raises:
        RuntimeMissingError: There is no such runtime.
        WeightsError: The weights cannot be found, fetched, checked, converted or loaded.
    """
    if runtime not in RUNTIMES:
        raise RuntimeMissingError(f"Expected a runtime among {', '.join(RUNTIMES)}, got {runtime!r}.")
    if source == HASHING:
        return HashingEncoder()
    return SentenceEncoder(prepare_encoder(source, cache, report=report), threads=threads)
