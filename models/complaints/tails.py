"""Exact tails of counts, with nothing but the standard library: the serving process needs them."""

from math import exp, inf, lgamma, log, log1p

_NEGLIGIBLE = 1e-12
_MOST_TERMS = 100_000


def count_tail(observed: int, mean: float, dispersion: float) -> float:
    """Return the probability of at least so many.

    Poisson when the variance is the mean, else negative binomial with ``variance = mean * dispersion``.

    Args:
        observed: 0 or more.
        mean: Expected number, above 0.
        dispersion: Variance over mean, at least 1.

    Returns:
        0..1.

    Raises:
        ValueError: A number is out of its range.

    >>> round(count_tail(3, 1.0, 1.0), 4)
    0.0803
    """
    if observed < 0 or not 0 < mean < inf or not 1 <= dispersion < inf:
        raise ValueError(
            f"expected a count from 0, a mean above 0 and a dispersion from 1, "
            f"got {observed}, {mean}, {dispersion}"
        )
    if observed == 0:
        return 1.0
    term = exp(_log_mass(observed, mean, dispersion))
    total, count = term, observed
    # Terms may grow up to the mode, so smallness says nothing before it.
    while (term > _NEGLIGIBLE * total or count <= mean) and count - observed < _MOST_TERMS:
        term *= _ratio(count, mean, dispersion)
        count += 1
        total += term
    return min(1.0, total)


def _log_mass(count: int, mean: float, dispersion: float) -> float:
    if dispersion == 1:
        return count * log(mean) - mean - lgamma(count + 1)
    size = mean / (dispersion - 1)
    return (
        lgamma(count + size)
        - lgamma(size)
        - lgamma(count + 1)
        - size * log(dispersion)
        + count * log1p(-1 / dispersion)
    )


def _ratio(count: int, mean: float, dispersion: float) -> float:
    """Probability of ``count + 1`` over that of ``count``."""
    if dispersion == 1:
        return mean / (count + 1)
    size = mean / (dispersion - 1)
    return (count + size) / (count + 1) * (1 - 1 / dispersion)
