"""The sentence encoder on torch, in float32: the reference for every faster one."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats2d
from models.branch import Branch
from models.encoder.identity import encoder_identity
from models.encoder.protocol import Encoding
from models.encoder.transformer_folder import load_transformer_folder
from models.encoder.windows import l2_normalise, merge_windows, token_budget_batches

if TYPE_CHECKING:
    import torch

    from models.encoder.torch_branch import TorchBranch

_GRAPH_REVISION = "r1"
"""Of the forward pass and of the windows: raise it when a text's vector changes."""

_BATCH_TOKENS = 2048
"""Tokens of a batch, padding included."""


class SentenceEncoder:
    """A sentence-transformers folder as an `Encoder`.

    The vector is what the folder's own modules make of the last layer, L2-normalised: for one window it
    equals sentence-transformers' `encode`. A text longer than a window is cut into windows, each with
    prefix and special tokens, and their poolings are averaged by their number of tokens. The features
    are the poolings of the branch, which starts from a layer of the same forward pass; without one, the
    mean-pooled layers at half, three quarters and the whole of the depth.

    Args:
        folder: A sentence-transformers folder, as `models.weights.prepare_encoder` returns it.
        threads: Threads of one forward pass, for the whole process; `None` leaves it to torch.

    Raises:
        WeightsError: The folder cannot be loaded.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self._name, identity = encoder_identity(folder)
        self._space = f"{identity}-f32-{_GRAPH_REVISION}"
        self._parts = load_transformer_folder(folder)
        if threads is not None:
            import torch  # noqa: PLC0415 (seconds, and importing this module must stay cheap)

            torch.set_num_threads(threads)
        depth = self._parts.layers
        self._feature_layers = (depth // 2, depth * 3 // 4, depth)
        self._branch: TorchBranch | None = None
        self._dimensions = int(self.encode([""]).vectors.shape[1])

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
        return self._parts.prefix

    @property
    def feature_layers(self) -> tuple[int, ...]:
        """Which layers the features come from, counted from 1."""
        return self._feature_layers

    @property
    def transformer(self) -> Any:
        """The Hugging Face model: what a branch's layers are copied from."""
        return self._parts.transformer.auto_model

    def with_branch(self, branch: Branch | None) -> Self:
        """Return this encoder with another branch, or with none; the weights are shared.

        Raises:
            EncoderMismatchError: The branch's layers do not fit the encoder's.
        """
        other = copy.copy(self)
        other._branch = None  # noqa: SLF001 (of the same class)
        if branch is not None:
            from models.encoder.torch_branch import TorchBranch  # noqa: PLC0415 (see __init__)

            other._branch = TorchBranch.from_weights(branch, self.transformer)  # noqa: SLF001
        return other

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, special tokens and prefix included.

        Raises:
            ValueError: A text is not a `str`.
        """
        return self._parts.tokenizer.count_tokens(texts)

    def encode(self, texts: Sequence[str]) -> Encoding:
        """Encode texts of any length, in order.

        Args:
            texts: Any number of texts.

        Returns:
            Vectors and features. *Shapes:* ``(texts, dimensions)`` and ``(texts, branch.width)``, or
            ``(texts, len(feature_layers) * hidden size)`` without a branch; float32.

        Raises:
            ValueError: A text is not a `str`.
        """
        if not texts:
            return self._nothing()
        owners, windows, own_tokens = self._windows_of(texts)
        places = np.asarray(owners, dtype=np.int64)
        weights = np.asarray(own_tokens, dtype=np.float32)
        merged = [
            l2_normalise(merge_windows(rows, places, weights, len(texts)))
            for rows in self._forward_all(windows)
        ]
        return Encoding(vectors=merged[0], features=np.concatenate(merged[1:], axis=1))

    def token_states(self, texts: Sequence[str], *, layer: int, tokens_max: int) -> list[NDArray[np.float16]]:
        """Return what a layer leaves of each text's first tokens: what a branch from there is trained on.

        Args:
            texts: Any number of texts.
            layer: Counted from 1; the layers above it are not run.
            tokens_max: Most tokens of a text, special tokens and prefix included.

        Returns:
            One array a text, in order. *Shape of each:* ``(tokens, hidden size)``, float16.

        Raises:
            EncoderMismatchError: The encoder has no such layer.
            ValueError: A text is not a `str`.
        """
        from models.encoder.torch_branch import lower_states  # noqa: PLC0415 (see __init__)

        firsts = [self._parts.tokenizer.windows(ids)[0][0] for ids in self._parts.tokenizer.token_ids(texts)]
        windows = [ids if len(ids) <= tokens_max else [*ids[: tokens_max - 1], ids[-1]] for ids in firsts]
        found: dict[int, NDArray[np.float16]] = {}
        for batch in token_budget_batches([len(window) for window in windows], _BATCH_TOKENS):
            inputs = self._padded([windows[place] for place in batch])
            states = lower_states(self.transformer, layer, inputs["input_ids"], inputs["attention_mask"])
            for place, row, mask in zip(batch.tolist(), states, inputs["attention_mask"], strict=True):
                found[place] = row[mask.bool()].half().numpy()
        return [found[place] for place in range(len(texts))]

    def _windows_of(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]], list[int]]:
        """Cut texts into windows: whose each is, its tokens, and how many of them are the text's own."""
        owners: list[int] = []
        windows: list[list[int]] = []
        own_tokens: list[int] = []
        for owner, ids in enumerate(self._parts.tokenizer.token_ids(texts)):
            for window, count in self._parts.tokenizer.windows(ids):
                owners.append(owner)
                windows.append(window)
                own_tokens.append(count)
        return owners, windows, own_tokens

    def _nothing(self) -> Encoding:
        frozen = len(self._feature_layers) * self._parts.hidden_size
        width = self._branch.shape.width if self._branch else frozen
        return Encoding(
            vectors=np.empty((0, self._dimensions), dtype=np.float32),
            features=np.empty((0, width), dtype=np.float32),
        )

    def _forward_all(self, windows: list[list[int]]) -> list[Floats2d]:
        """Run all windows, in batches of like length: pooled vectors, then each part of the features."""
        import torch  # noqa: PLC0415 (see __init__)

        batches = token_budget_batches([len(window) for window in windows], _BATCH_TOKENS)
        with torch.inference_mode():
            parts = [self._forward([windows[place] for place in batch]) for batch in batches]
        places = np.argsort(np.concatenate(batches))
        return [np.concatenate(rows)[places] for rows in zip(*parts, strict=True)]

    def _forward(self, windows: list[list[int]]) -> list[Floats2d]:
        inputs = self._padded(windows)
        outputs = self._parts.transformer(
            {**inputs, "modality": "text", "prompt_length": self._parts.tokenizer.prompt_length}
        )
        hidden = outputs["all_layer_embeddings"]
        if self._branch is not None:
            read = self._branch(hidden[self._branch.shape.from_layer], inputs["attention_mask"])
        else:
            mask = inputs["attention_mask"].unsqueeze(-1).to(hidden[0].dtype)
            read = [(hidden[layer] * mask).sum(dim=1) / mask.sum(dim=1) for layer in self._feature_layers]
        for module in self._parts.poolings:
            outputs = module(outputs)
        return [rows.float().numpy() for rows in (outputs["sentence_embedding"], *read)]

    def _padded(self, windows: list[list[int]]) -> dict[str, "torch.Tensor"]:
        import torch  # noqa: PLC0415 (see __init__)

        width = max(len(window) for window in windows)
        ids = np.full((len(windows), width), self._parts.tokenizer.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(windows):
            start = 0 if self._parts.tokenizer.pads_right else width - len(window)
            ids[row, start : start + len(window)] = window
            mask[row, start : start + len(window)] = 1
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
