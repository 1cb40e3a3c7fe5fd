"""Where an encoder's weights come from, and how they become a folder to load."""

from models.weights.prepare import BUNDLED, default_cache, prepare_encoder

__all__ = ["BUNDLED", "default_cache", "prepare_encoder"]
