"""What languages have in common in an encoder's space, from the texts written for this project.

They speak of the same matters in every language. A refit starts from these means while a tenant has few texts
in a language (`models/complaints/language_means.py`).
"""

from collections.abc import Iterable

import numpy as np

from models.complaints.language_means import LanguageMeans
from models.encoder.protocol import Encoder
from training.datasets.texts import WrittenText


def language_means(texts: Iterable[WrittenText], encoder: Encoder) -> LanguageMeans:
    """Encode texts and take the mean of each language.

    Args:
        texts: The written texts.
        encoder: Whose space it is.
    """
    written = list(texts)
    vectors = encoder.encode([text.text for text in written]).vectors
    return LanguageMeans.of(vectors.astype("<f2").astype(np.float32), [text.lang for text in written])
