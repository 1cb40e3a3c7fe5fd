"""A `tokenizer.json` from the vocabulary of the weights file."""

import base64
from typing import Any

from models.weights.charsmap import compile_charsmap, composed_pairs
from models.weights.vocabulary import Vocabulary

_METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
_MASK = "<mask>"


def tokenizer_json(vocabulary: Vocabulary) -> dict[str, Any]:
    """Describe XLM-RoBERTa's tokenizer as the `tokenizers` library reads it.

    Compiled character map, runs of spaces collapsed, words begun by `▁`, unigram pieces,
    ``<s> text </s>``.

    Args:
        vocabulary: Pieces, scores and character map.

    Returns:
        What to write as JSON.
    """
    pieces = vocabulary.pieces
    bos, eos = pieces[vocabulary.bos_id], pieces[vocabulary.eos_id]
    specials = {vocabulary.bos_id, vocabulary.eos_id, vocabulary.pad_id, vocabulary.unk_id}
    if _MASK in pieces:
        specials.add(pieces.index(_MASK))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special(place, pieces[place]) for place in sorted(specials)],
        "normalizer": _normaliser(vocabulary.character_map),
        "pre_tokenizer": _METASPACE,
        "post_processor": _template(bos, vocabulary.bos_id, eos, vocabulary.eos_id),
        "decoder": _METASPACE,
        "model": {
            "type": "Unigram",
            "unk_id": vocabulary.unk_id,
            "vocab": [list(pair) for pair in zip(pieces, vocabulary.scores, strict=True)],
            "byte_fallback": False,
        },
    }


def _normaliser(character_map: dict[str, str]) -> dict[str, Any]:
    charsmap = compile_charsmap({**composed_pairs(character_map), **character_map})
    return {
        "type": "Sequence",
        "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        ],
    }


def _special(place: int, piece: str) -> dict[str, Any]:
    return {
        "id": place,
        "content": piece,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def _template(bos: str, bos_id: int, eos: str, eos_id: int) -> dict[str, Any]:
    def token(piece: str) -> dict[str, Any]:
        return {"SpecialToken": {"id": piece, "type_id": 0}}

    def sequence(name: str) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": 0}}

    first = [token(bos), sequence("A"), token(eos)]
    return {
        "type": "TemplateProcessing",
        "single": first,
        "pair": [*first, token(eos), sequence("B"), token(eos)],
        "special_tokens": {
            piece: {"id": piece, "ids": [place], "tokens": [piece]}
            for piece, place in ((bos, bos_id), (eos, eos_id))
        },
    }
