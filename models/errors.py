"""What can go wrong between a text and its prediction.

ModelError
├── WeightsError            the encoder's weights are missing, damaged or of an unknown form
├── RuntimeMissingError     nothing of that name can run the encoder
├── ArtefactError           a model folder is missing, damaged or of an unknown form
└── EncoderMismatchError    a model folder was trained on another encoder than the one loaded, or
                            needs what the encoder has not
"""


class ModelError(Exception):
    """Base of all errors of this room."""


class WeightsError(ModelError):
    """The encoder's weights are missing, damaged or of an unknown form."""


class RuntimeMissingError(ModelError):
    """Nothing of that name can run the encoder."""


class ArtefactError(ModelError):
    """A model folder is missing, damaged or of an unknown form."""


class EncoderMismatchError(ModelError):
    """A model folder was trained on another encoder than the one loaded."""
