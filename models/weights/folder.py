"""A sentence-transformers folder from the weights file.

The layout is the one that sentence-transformers has written since its first versions, so that other
servers (infinity, text-embeddings-inference) read the folder too.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from models.arrays import Floats1d
from models.errors import WeightsError
from models.weights.e5s import Architecture, E5File
from models.weights.tokenizer_json import tokenizer_json
from models.weights.vocabulary import Vocabulary

PREFIX = "query: "
"""E5 was trained with it on texts that are compared with each other."""

_LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def write_sentence_transformers_folder(file: E5File, folder: Path) -> None:
    """Write the encoder as float32 safetensors with tokenizer, mean pooling, normalisation and prompts.

    Args:
        file: The weights.
        folder: An existing, empty folder.

    Raises:
        WeightsError: The file lacks a tensor or holds one of the wrong size.
        OSError: The folder cannot be written.
    """
    sizes = file.architecture
    for name, content in _descriptions(sizes, file.vocabulary).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, ensure_ascii=False, indent=None), encoding="utf-8")
    (folder / "2_Normalize").mkdir(exist_ok=True)
    _write_safetensors(folder / "model.safetensors", _shapes(sizes), file)


def _descriptions(sizes: Architecture, vocabulary: Vocabulary) -> dict[str, Any]:
    pieces = vocabulary.pieces
    return {
        "tokenizer.json": tokenizer_json(vocabulary),
        "tokenizer_config.json": {
            # Not XLMRobertaTokenizer: that class builds a normaliser of its own.
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": sizes.max_positions,
            "bos_token": pieces[vocabulary.bos_id],
            "cls_token": pieces[vocabulary.bos_id],
            "eos_token": pieces[vocabulary.eos_id],
            "sep_token": pieces[vocabulary.eos_id],
            "pad_token": pieces[vocabulary.pad_id],
            "unk_token": pieces[vocabulary.unk_id],
            "mask_token": "<mask>",
        },
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": sizes.hidden_size,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "intermediate_size": sizes.intermediate_size,
            "vocab_size": sizes.vocabulary_size,
            "max_position_embeddings": sizes.max_positions,
            "type_vocab_size": sizes.type_vocabulary_size,
            "layer_norm_eps": sizes.layer_norm_epsilon,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "attention_probs_dropout_prob": 0.1,
            "initializer_range": 0.02,
            "bos_token_id": vocabulary.bos_id,
            "eos_token_id": vocabulary.eos_id,
            "pad_token_id": vocabulary.pad_id,
            "torch_dtype": "float32",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": sizes.max_positions, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": sizes.hidden_size,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "config_sentence_transformers.json": {
            "prompts": {"query": PREFIX, "passage": "passage: "},
            "default_prompt_name": "query",
            "similarity_fn_name": "cosine",
        },
    }


def _shapes(sizes: Architecture) -> dict[str, tuple[str | None, tuple[int, ...]]]:
    """From the name of a parameter to its name in the weights file and its shape."""
    hidden, inner = sizes.hidden_size, sizes.intermediate_size
    found: dict[str, tuple[str | None, tuple[int, ...]]] = {
        "embeddings.word_embeddings.weight": ("emb.word", (sizes.vocabulary_size, hidden)),
        "embeddings.position_embeddings.weight": ("emb.pos", (sizes.max_positions, hidden)),
        "embeddings.token_type_embeddings.weight": ("emb.type", (sizes.type_vocabulary_size, hidden)),
        "embeddings.LayerNorm.weight": ("emb.ln.w", (hidden,)),
        "embeddings.LayerNorm.bias": ("emb.ln.b", (hidden,)),
        # BertModel has a pooler and complains when it is missing; nothing here reads it.
        "pooler.dense.weight": (None, (hidden, hidden)),
        "pooler.dense.bias": (None, (hidden,)),
    }
    outputs = {"fi": inner}
    inputs = {"fo": inner}
    for layer in range(sizes.layers):
        for short, long in _LAYER_PARTS.items():
            wide = outputs.get(short, hidden)
            weight = (hidden,) if short.endswith("ln") else (wide, inputs.get(short, hidden))
            found[f"encoder.layer.{layer}.{long}.weight"] = (f"l{layer}.{short}.w", weight)
            found[f"encoder.layer.{layer}.{long}.bias"] = (f"l{layer}.{short}.b", (wide,))
    return found


def _write_safetensors(
    path: Path, shapes: dict[str, tuple[str | None, tuple[int, ...]]], file: E5File
) -> None:
    """Write one tensor after the other, so that never more than one is in memory.

    Source: the safetensors format (length of the header, header as JSON, values).
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name, (_, shape) in shapes.items():
        size = 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as out:
        out.write(struct.pack("<Q", len(encoded)))
        out.write(encoded)
        for source, shape in shapes.values():
            out.write(_values(file, source, shape).astype("<f4", copy=False).data)


def _values(file: E5File, source: str | None, shape: tuple[int, ...]) -> Floats1d:
    count = int(np.prod(shape))
    if source is None:
        return np.zeros(count, dtype=np.float32)
    values = file.tensor(source)
    if len(values) != count:
        raise WeightsError(
            f"Expected {count} values of shape {shape} in tensor {source!r}, found {len(values)}."
        )
    return values
