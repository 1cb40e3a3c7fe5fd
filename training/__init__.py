"""Data in; a model folder, its metrics and its card out."""
