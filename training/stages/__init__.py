"""The stages of a training run, in order."""

from training.pipeline import Stage
from training.stages.calibrate import CALIBRATE
from training.stages.evaluate import EVALUATE
from training.stages.package import PACKAGE
from training.stages.prepare import PREPARE
from training.stages.register import REGISTER
from training.stages.train import TRAIN

STAGES: tuple[Stage, ...] = (PREPARE, TRAIN, CALIBRATE, EVALUATE, PACKAGE, REGISTER)
