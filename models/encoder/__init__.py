"""The multilingual sentence encoder: texts in, vectors out."""

from models.encoder.protocol import Encoder, Encoding
from models.encoder.sentence import SentenceEncoder

__all__ = ["Encoder", "Encoding", "SentenceEncoder"]
