"""The multilingual sentence encoder: texts in, vectors out."""

from models.encoder.hashing import HashingEncoder
from models.encoder.load import load_encoder
from models.encoder.protocol import Encoder, Encoding
from models.encoder.sentence import SentenceEncoder

__all__ = ["Encoder", "Encoding", "HashingEncoder", "SentenceEncoder", "load_encoder"]
