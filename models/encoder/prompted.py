"""The tokens of a text as the encoder reads it: prefix, special tokens, windows."""

from collections.abc import Sequence
from typing import Any

from models.encoder.windows import window_spans


class PromptedTokenizer:
    """A tokenizer that puts an encoder's prefix before each text and cuts long texts into windows.

    Args:
        tokenizer: A `transformers` tokenizer.
        prefix: What belongs before each text; may be empty.
        window: Most tokens of a window, special tokens and prefix included.
    """

    def __init__(self, tokenizer: Any, *, prefix: str, window: int) -> None:
        self._tokenizer = tokenizer
        self._prefix = prefix
        self._window = window
        bare, full = self._ids("a"), list[int](tokenizer("a")["input_ids"])
        start = next(place for place in range(len(full)) if full[place : place + len(bare)] == bare)
        self._head, self._tail = full[:start], full[start + len(bare) :]
        # Without its last space: that becomes part of the first word of the text.
        self._prefix_ids = self._ids(prefix.rstrip()) if prefix else []
        self._room = window - len(self._head) - len(self._prefix_ids) - len(self._tail)

    @property
    def pad_id(self) -> int:
        """The token that fills a batch up."""
        return int(self._tokenizer.pad_token_id or 0)

    @property
    def pads_right(self) -> bool:
        """True when the filling stands after the text."""
        return bool(self._tokenizer.padding_side == "right")

    @property
    def prompt_length(self) -> int:
        """Tokens that sentence-transformers counts as the prompt: poolings can leave them out."""
        return len(self._head) + (len(self._ids(self._prefix)) if self._prefix else 0)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokenise texts with the prefix and without special tokens.

        Raises:
            ValueError: A text is not a `str`.
        """
        for text in texts:
            if not isinstance(text, str):
                # The protocol's word: to its callers this is a wrong value among many.
                raise ValueError(f"Expected texts of type str, got {type(text).__name__}.")  # noqa: TRY004
        if not texts:
            return []
        prompted = [self._prefix + without_lone_surrogates(text) for text in texts]
        found: list[list[int]] = self._tokenizer(prompted, add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        return found

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, special tokens and prefix included.

        Raises:
            ValueError: A text is not a `str`.
        """
        around = len(self._head) + len(self._tail)
        return [around + len(ids) for ids in self.token_ids(texts)]

    def windows(self, ids: list[int]) -> list[tuple[list[int], int]]:
        """Cut one text into windows, each with prefix and special tokens.

        Args:
            ids: What `token_ids` made of the text.

        Returns:
            The tokens of each window, and how many of them are the text's own (at least 1, so that an
            empty text counts).
        """
        skip = len(self._prefix_ids)
        if ids[:skip] == self._prefix_ids:
            content = ids[skip:]
            prefix = self._prefix_ids
        else:  # the text begins with a mark that changes the prefix; its first window is left as it is
            content = ids
            prefix = []
        spans = window_spans(len(content), self._room)
        return [
            (
                [*self._head, *(self._prefix_ids if start else prefix), *content[start:stop], *self._tail],
                max(1, stop - start),
            )
            for start, stop in spans
        ]

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def without_lone_surrogates(text: str) -> str:
    r"""Replace halves of characters, which JSON can carry and UTF-8 cannot, by U+FFFD.

    >>> without_lone_surrogates("a\ud83d!") == "a\ufffd!"
    True
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
