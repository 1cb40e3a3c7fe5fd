"""Alerts on made-up streams with known bursts: how soon they are found, and false alarms a year.

A tenant has 100 complaints at rates of 0.03 to 5 texts a day, busier on weekdays, overdispersed or not. False
alarms are counted over a year without any burst. Bursts last two weeks.
"""

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from models.complaints import AlertRules, advance, burst, episode_of, shared_dispersion, weekday_shares
from tests.benchmarks.report import median, publish, table

START = date(2026, 1, 5)
WEEK = np.array([1.3, 1.2, 1.2, 1.1, 1.1, 0.6, 0.5])
PAST = 91
YEAR = 365
COMPLAINTS = 100
TRIALS = 40
RULES = AlertRules()


def stream(
    chance: Any, rate: float, dispersion: float, days: int, times: float = 1, at: int = -1
) -> list[int]:
    """Draw texts per day; from `at` on, `times` as many for two weeks."""
    means = rate * WEEK[np.arange(days) % 7]
    if at >= 0:
        means[at : at + 14] *= times
    if dispersion == 1:
        return chance.poisson(means).tolist()
    return chance.negative_binomial(means / (dispersion - 1), 1 / dispersion).tolist()


def false_alarms(dispersion: float, seed: int) -> int:
    """Count the alerts of a tenant in a year in which nothing happens."""
    chance = np.random.default_rng(seed)
    rates = np.exp(chance.uniform(np.log(0.03), np.log(5), COMPLAINTS))
    series = [stream(chance, rate, dispersion, PAST + YEAR) for rate in rates]
    traffic = np.sum(series, axis=0).tolist()
    alerts: list[Any] = [None] * COMPLAINTS
    count = 0
    for place in range(PAST, PAST + YEAR):
        day = START + timedelta(days=place)
        shares = weekday_shares(traffic[place - 83 : place + 1], until=day)
        until = day - timedelta(days=7)
        common = shared_dispersion([s[place - 90 : place - 6] for s in series], until=until, weekdays=shares)
        for number, counts in enumerate(series):
            test = burst(
                counts[place - 90 : place + 1],
                until=day,
                weekdays=shares,
                least_dispersion=common,
                episode=episode_of(alerts[number], day=day, rules=RULES),
            )
            alerts[number], change = advance(alerts[number], test, complaints=COMPLAINTS, rules=RULES)
            count += change in {"raised", "reopened"}
    return count


def delay(chance: Any, rate: float, times: float, dispersion: float) -> int | None:
    """Return the days until a burst is found, or `None` when it is not within three weeks."""
    counts = stream(chance, rate, dispersion, PAST + 35, times, at=PAST)
    for place in range(PAST, PAST + 21):
        day = START + timedelta(days=place)
        test = burst(
            counts[place - 90 : place + 1], until=day, weekdays=tuple(WEEK), least_dispersion=dispersion
        )
        if advance(None, test, complaints=COMPLAINTS, rules=RULES)[1]:
            return place - PAST
    return None


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the result in docs/benchmarks.md")
    given = parser.parse_args()
    calm = [
        [spread, *(false_alarms(spread, seed) for seed in range(3)), RULES.false_alarms_a_year]
        for spread in (1.0, 1.5, 3.0)
    ]
    found = []
    chance = np.random.default_rng(0)
    for rate in (0.05, 0.3, 1.0, 3.0):
        for times in (3, 5, 10):
            delays = [delay(chance, rate, times, 1.5) for _ in range(TRIALS)]
            seen = [days for days in delays if days is not None]
            found.append(
                [rate, f"x {times}", f"{len(seen) / TRIALS:.0%}", f"{median(seen):.0f}" if seen else "-"]
            )
    body = [
        table(["variance over mean", "alarms, year 1", "year 2", "year 3", "budget a year"], calm),
        table(["texts a day", "burst", "found", "days until found (median)"], found),
    ]
    publish(
        "Complaints: alerts",
        "python tests/benchmarks/complaint_alerts.py --write",
        "\n\n".join(body),
        write=given.write,
    )


if __name__ == "__main__":
    main()
