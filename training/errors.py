"""What can go wrong on the way from data to a model.

TrainingError
├── DataError         data is missing or not of the expected form
├── ExperimentError   the experiment file is missing or invalid, or asks for what cannot be done
└── GateError         a new model is worse than the one it would replace
"""


class TrainingError(Exception):
    """Base of all errors of this room."""


class DataError(TrainingError):
    """Data is missing or not of the expected form."""


class ExperimentError(TrainingError):
    """The experiment file is missing or invalid, or asks for what cannot be done."""


class GateError(TrainingError):
    """A new model is worse than the one it would replace."""
