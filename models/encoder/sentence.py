"""The sentence encoder on torch, in float32: the reference for every faster one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.arrays import Floats2d
from models.encoder.identity import encoder_identity
from models.encoder.protocol import Encoding
from models.encoder.windows import l2_normalise, merge_windows, token_budget_batches, window_spans
from models.errors import WeightsError

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_GRAPH_REVISION = "r1"
"""Of the forward pass and of the windows: raise it when a text's vector changes."""

_WINDOW_TOKENS = 512
_BATCH_TOKENS = 2048
"""Tokens of a batch, padding included."""


class SentenceEncoder:
    """A sentence-transformers folder as an `Encoder`.

    The vector is what the folder's own modules make of the last layer, L2-normalised: for one window it
    equals sentence-transformers' `encode`. A text longer than a window is cut into windows, each with
    prefix and special tokens, and their poolings are averaged by their number of tokens. The features
    are the mean-pooled layers at half, three quarters and the whole of the depth.

    Args:
        folder: A sentence-transformers folder, as `models.weights.prepare_encoder` returns it.
        threads: Threads of one forward pass, for the whole process; `None` leaves it to torch.

    Raises:
        WeightsError: The folder cannot be loaded.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        import torch  # noqa: PLC0415 (seconds, and a process with another runtime never needs it)

        if threads is not None:
            torch.set_num_threads(threads)
        self._name, identity = encoder_identity(folder)
        self._space = f"{identity}-f32-{_GRAPH_REVISION}"
        self._model = _load(folder)
        self._transformer: Any = self._model[0]
        self._transformer.auto_model.config.output_hidden_states = True
        self._poolings = _modules_before_normalisation(self._model)
        self._tokenizer: Any = self._model.tokenizer
        self._prefix = _prefix_of(self._model)
        self._read_template()
        depth = int(self._transformer.auto_model.config.num_hidden_layers)
        self._feature_layers = (depth // 2, depth * 3 // 4, depth)
        self._dimensions = self.encode([""]).vectors.shape[1]

    @property
    def name(self) -> str:
        """Name with a hash of the weights."""
        return self._name

    @property
    def space(self) -> str:
        """Identity of the vector space."""
        return self._space

    @property
    def dimensions(self) -> int:
        """Length of a retrieval vector."""
        return self._dimensions

    @property
    def prefix(self) -> str:
        """What is put before each text; part of the encoder."""
        return self._prefix

    @property
    def feature_layers(self) -> tuple[int, ...]:
        """Which layers the features come from, counted from 1."""
        return self._feature_layers

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, special tokens and prefix included."""
        around = len(self._head) + len(self._tail)
        return [around + len(ids) for ids in self._token_ids(texts)]

    def encode(self, texts: Sequence[str]) -> Encoding:
        """Encode texts of any length, in order.

        Args:
            texts: Any number of texts.

        Returns:
            Vectors and features. *Shapes:* ``(texts, dimensions)`` and
            ``(texts, len(feature_layers) * hidden size)``.

        Raises:
            ValueError: A text is not a `str`.
        """
        if not texts:
            return self._nothing()
        owners: list[int] = []
        windows: list[list[int]] = []
        weights: list[int] = []
        for owner, ids in enumerate(self._token_ids(texts)):
            for window, weight in self._windows(ids):
                owners.append(owner)
                windows.append(window)
                weights.append(weight)
        pooled, layers = self._forward_all(windows)
        places = np.asarray(owners, dtype=np.int64)
        shares = np.asarray(weights, dtype=np.float32)
        vectors = l2_normalise(merge_windows(pooled, places, shares, len(texts)))
        features = [l2_normalise(merge_windows(layer, places, shares, len(texts))) for layer in layers]
        return Encoding(vectors=vectors, features=np.concatenate(features, axis=1))

    def _nothing(self) -> Encoding:
        width = len(self._feature_layers) * int(self._transformer.auto_model.config.hidden_size)
        return Encoding(
            vectors=np.empty((0, self._dimensions), dtype=np.float32),
            features=np.empty((0, width), dtype=np.float32),
        )

    def _read_template(self) -> None:
        """Learn what the tokenizer puts around a text, and which tokens the prefix is."""
        bare: list[int] = self._tokenizer("a", add_special_tokens=False)["input_ids"]
        full: list[int] = self._tokenizer("a")["input_ids"]
        start = next(i for i in range(len(full)) if full[i : i + len(bare)] == bare)
        self._head, self._tail = full[:start], full[start + len(bare) :]
        prefix = self._prefix.rstrip()
        self._prefix_ids: list[int] = self._tokenizer(prefix, add_special_tokens=False)["input_ids"] if prefix else []
        limit = self._model.get_max_seq_length() or _WINDOW_TOKENS
        self._window = min(limit, _WINDOW_TOKENS)

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokenise with the prefix and without special tokens."""
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"Expected texts of type str, got {type(text).__name__}.")  # noqa: TRY004 (the protocol's word)
        if not texts:
            return []
        prompted = [self._prefix + _without_lone_surrogates(text) for text in texts]
        found: list[list[int]] = self._tokenizer(prompted, add_special_tokens=False, verbose=False)["input_ids"]
        return found

    def _windows(self, ids: list[int]) -> list[tuple[list[int], int]]:
        """Cut one text's tokens; with each window the number of tokens that are the text's own."""
        skip = len(self._prefix_ids)
        prefix, content = (ids[:skip], ids[skip:]) if ids[:skip] == self._prefix_ids else ([], ids)
        room = self._window - len(self._head) - len(self._tail) - skip
        spans = window_spans(len(content), room)
        if len(spans) > 1:
            prefix = self._prefix_ids
        return [
            (self._head + prefix + content[start:stop] + self._tail, max(1, stop - start)) for start, stop in spans
        ]

    def _forward_all(self, windows: list[list[int]]) -> tuple[Floats2d, list[Floats2d]]:
        import torch  # noqa: PLC0415 (see __init__)

        pooled: dict[int, Floats2d] = {}
        layers: dict[int, Floats2d] = {}
        with torch.inference_mode():
            for batch in token_budget_batches([len(window) for window in windows], _BATCH_TOKENS):
                vectors, features = self._forward([windows[place] for place in batch])
                for row, place in enumerate(batch.tolist()):
                    pooled[place] = vectors[row]
                    layers[place] = features[row]
        order = range(len(windows))
        stacked = np.stack([layers[place] for place in order])
        return np.stack([pooled[place] for place in order]), list(stacked.transpose(1, 0, 2))

    def _forward(self, windows: list[list[int]]) -> tuple[Floats2d, Floats2d]:
        """Run the network over one batch: pooled vectors, and per row the mean of each feature layer."""
        import torch  # noqa: PLC0415 (see __init__)

        inputs = self._padded(windows)
        outputs = self._transformer(
            {**inputs, "modality": "text", "prompt_length": len(self._head) + len(self._prefix_ids)}
        )
        hidden = outputs["all_layer_embeddings"]
        mask = inputs["attention_mask"].unsqueeze(-1).to(hidden[0].dtype)
        counts = mask.sum(dim=1)
        means = [(hidden[layer] * mask).sum(dim=1) / counts for layer in self._feature_layers]
        for module in self._poolings:
            outputs = module(outputs)
        vectors: Floats2d = outputs["sentence_embedding"].float().numpy()
        features: Floats2d = torch.stack(means, dim=1).float().numpy()
        return vectors, features

    def _padded(self, windows: list[list[int]]) -> dict[str, "torch.Tensor"]:
        import torch  # noqa: PLC0415 (see __init__)

        width = max(len(window) for window in windows)
        pad = self._tokenizer.pad_token_id or 0
        ids = np.full((len(windows), width), pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(windows):
            place = slice(0, len(window)) if self._tokenizer.padding_side == "right" else slice(-len(window), None)
            ids[row, place] = window
            mask[row, place] = 1
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}


def _load(folder: Path) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 (see SentenceEncoder.__init__)
    from sentence_transformers.models import Transformer  # noqa: PLC0415

    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise WeightsError(f"Expected a sentence-transformers folder at {folder}, found: {error}") from error
    if not isinstance(model[0], Transformer):
        raise WeightsError(f"Expected a transformer as the first module in {folder}, found {type(model[0]).__name__}.")
    return model.float().eval()


def _modules_before_normalisation(model: "SentenceTransformer") -> list[Any]:
    """Everything after the transformer, short of a last normalisation: windows are averaged before it."""
    from sentence_transformers.models import Normalize  # noqa: PLC0415 (see SentenceEncoder.__init__)

    modules = list(model)[1:]
    return modules[:-1] if modules and isinstance(modules[-1], Normalize) else modules


def _prefix_of(model: "SentenceTransformer") -> str:
    name = model.default_prompt_name or "query"
    return model.prompts.get(name) or ""


def _without_lone_surrogates(text: str) -> str:
    """Replace halves of characters, which JSON can carry and UTF-8 cannot, as a decoder would."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
