"""The training loop: epochs over length-sorted batches, averaged weights, a checkpoint an epoch."""

import copy
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import AdamW, Optimizer

from training.batches import batches_of, rows_of_epoch
from training.datasets.example import Example
from training.experiment import Fitting
from training.losses import losses_of, targets_of
from training.network import Network
from training.token_cache import TokenTable

_GRADIENT_NORM = 1.0
_READ_ROWS = 64
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Labelled rows with what a network reads of them.

    Attributes:
        examples: One a row.
        frozen: Frozen features. *Shape:* ``(rows, width)``, float32; of width 0 when a branch reads tokens.
        tokens: What a branch reads; `None` without one.
    """

    examples: tuple[Example, ...]
    frozen: Floats
    tokens: TokenTable | None

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row; all alike when none are read."""
        return self.tokens.lengths if self.tokens else [1] * len(self.examples)

    def inputs(self, places: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Return frozen features, states and mask of some rows, on a device."""
        frozen = torch.from_numpy(self.frozen[list(places)])
        if self.tokens is None:
            nothing = torch.zeros((len(places), 1))
            return frozen.to(device), nothing.unsqueeze(-1).to(device), nothing.to(device)
        states, mask = self.tokens.padded(places)
        return (
            frozen.to(device),
            torch.from_numpy(states).float().to(device),
            torch.from_numpy(mask).to(device),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What is remembered of an epoch.

    Attributes:
        number: From 1.
        losses: Mean loss by head.
        validation: Scores of the averaged network on rows that do not train, by name.
    """

    number: int
    losses: dict[str, float]
    validation: dict[str, float]


@dataclass(slots=True, kw_only=True)
class State:
    """How far a fit has come.

    Attributes:
        step: Batches that are finished.
        history: Epochs that are finished.
        average: Moving average of every weight.
    """

    step: int
    history: list[Epoch]
    average: dict[str, Tensor]


class Watcher(Protocol):
    """Is told how a fit goes."""

    def started(self, number: int, batches: int) -> None:
        """Hear that an epoch begins, and how many batches it has."""
        ...

    def advanced(self) -> None:
        """Hear that a batch is finished."""
        ...

    def scores(self, averaged: Network) -> dict[str, float]:
        """Return scores of the averaged network after an epoch, by name."""
        ...


def choose_device(name: str) -> torch.device:
    """Return the device of a name; `auto` is a GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def fit(
    network: Network,
    rows: Rows,
    settings: Fitting,
    *,
    limits: Mapping[str, int],
    seed: int,
    device: torch.device,
    checkpoint: Path,
    watcher: Watcher,
) -> tuple[Network, list[Epoch]]:
    """Fit a network, and go on from a checkpoint if there is one.

    Every epoch draws its rows, its order and its dropout from the seed and its number alone: a run that
    was killed ends at the same weights, with the same history, as one that was not.

    Args:
        network: With first weights; they are changed.
        rows: What trains.
        settings: How.
        limits: Most rows of a source in one epoch; see `training.batches.rows_of_epoch`.
        seed: Of rows, order and dropout.
        device: Where to compute.
        checkpoint: Written after every epoch.
        watcher: Is told how it goes.

    Returns:
        The network with averaged weights, on the CPU, and what is remembered of each epoch.
    """
    network.to(device)
    optimizer = _optimizer(network, settings)
    state = _resume(checkpoint, network, optimizer, device)
    steps = settings.epochs * len(_batches(rows, limits, settings, seed, 0))
    for number in range(len(state.history) + 1, settings.epochs + 1):
        torch.manual_seed(seed * 1_000 + number)
        batches = _batches(rows, limits, settings, seed, number)
        watcher.started(number, len(batches))
        losses: Counter[str] = Counter()
        for batch in batches:
            _set_rate(optimizer, settings, state.step, steps)
            losses.update(_step(network, optimizer, rows, batch, settings, device))
            state.step += 1
            _average(state, network, settings.averaging)
            watcher.advanced()
        means = {head: loss / len(batches) for head, loss in losses.items()}
        scores = watcher.scores(averaged(network, state.average))
        state.history.append(Epoch(number=number, losses=means, validation=scores))
        _save(checkpoint, network, optimizer, state)
    return averaged(network, state.average).cpu(), state.history


def averaged(network: Network, average: Mapping[str, Tensor]) -> Network:
    """Return a copy of a network with other weights, ready to predict."""
    other = copy.deepcopy(network)
    other.load_state_dict(dict(average))
    return other.eval()


def read_logits(network: Network, rows: Rows, device: torch.device) -> dict[str, NDArray[np.float64]]:
    """Return the raw logits of rows, in order. *Shape of each head's:* ``(rows, logits)``."""
    order = np.argsort(rows.lengths, kind="stable").tolist()
    found: dict[str, NDArray[np.float64]] = {}
    network.eval()
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
        for start in range(0, len(order), _READ_ROWS):
            places = order[start : start + _READ_ROWS]
            for head, logits in network(*rows.inputs(places, device)).items():
                if head not in found:
                    found[head] = np.zeros((len(order), logits.shape[1]))
                found[head][places] = logits.float().cpu().numpy()
    return found


def _batches(
    rows: Rows, limits: Mapping[str, int], settings: Fitting, seed: int, epoch: int
) -> list[list[int]]:
    places = rows_of_epoch(rows.examples, limits, seed=seed, epoch=epoch)
    return batches_of(places, rows.lengths, size=settings.batch_rows, seed=seed + epoch)


def _step(
    network: Network,
    optimizer: Optimizer,
    rows: Rows,
    batch: Sequence[int],
    settings: Fitting,
    device: torch.device,
) -> dict[str, float]:
    network.train()
    with torch.autocast(device.type, dtype=torch.bfloat16):
        frozen, states, mask = rows.inputs(batch, device)
        logits = network(frozen, states, without_tokens(mask, settings.token_dropout))
    on_cpu = {head: values.float().cpu() for head, values in logits.items()}
    targets = targets_of([rows.examples[place] for place in batch])
    losses = losses_of(on_cpu, targets, smoothing=settings.label_smoothing)
    total = torch.stack([settings.loss_weights.get(head, 1.0) * loss for head, loss in losses.items()]).sum()
    optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), _GRADIENT_NORM)
    optimizer.step()
    return {head: float(loss.detach()) for head, loss in losses.items()}


def without_tokens(mask: Tensor, share: float) -> Tensor:
    """Hide a share of the tokens, other ones each time; the first token of a text always stays.

    A branch sees the same states of a text in every epoch; this keeps it from learning texts by heart.

    Args:
        mask: 1 for tokens, 0 for filling. *Shape:* ``(rows, tokens)``.
        share: To hide, 0..1.
    """
    if not share:
        return mask
    kept = (torch.rand(mask.shape, device=mask.device) >= share).to(mask.dtype)
    kept[:, 0] = 1
    return mask * kept


def _optimizer(network: Network, settings: Fitting) -> Optimizer:
    branch = [] if network.branch is None else list(network.branch.layers.parameters())
    inside = {id(parameter) for parameter in branch}
    heads = [parameter for parameter in network.parameters() if id(parameter) not in inside]
    groups = [
        {"params": branch, "lr": settings.learning_rate, "full_rate": settings.learning_rate},
        {"params": heads, "lr": settings.head_learning_rate, "full_rate": settings.head_learning_rate},
    ]
    return AdamW([group for group in groups if group["params"]], weight_decay=settings.weight_decay)


def _set_rate(optimizer: Optimizer, settings: Fitting, step: int, steps: int) -> None:
    """Let rates rise over the warm-up and fall in a line to almost nothing."""
    share = min(1.0, (step + 1) / max(1, settings.warmup_steps)) * max(0.02, 1 - step / steps)
    for group in optimizer.param_groups:
        group["lr"] = group["full_rate"] * share


def _average(state: State, network: Network, decay: float) -> None:
    """Take the weights into the average; the first ones are forgotten faster."""
    kept = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for name, value in network.state_dict().items():
            state.average[name].lerp_(value, 1 - kept)


def _save(path: Path, network: Network, optimizer: Optimizer, state: State) -> None:
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in state.average.items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": moments[name] for name in _MOMENTS}
    told = {"step": str(state.step), "history": json.dumps([asdict(epoch) for epoch in state.history])}
    unfinished = path.with_suffix(".part")
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, unfinished, told)
    unfinished.replace(path)


def _resume(path: Path, network: Network, optimizer: Optimizer, device: torch.device) -> State:
    if not path.exists():
        average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        return State(step=0, history=[], average=average)
    with safe_open(path, "pt", device=str(device)) as file:
        told = file.metadata()
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    network.load_state_dict(_part(stored, "network."))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(stored, "optimizer.").items():
        number, _, moment = name.partition(".")
        moments.setdefault(int(number), {})[moment] = value.cpu() if moment == "step" else value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    history = [Epoch(**epoch) for epoch in json.loads(told["history"])]
    return State(step=int(told["step"]), history=history, average=_part(stored, "average."))


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
