"""What the aspects of reviews say about topics.

Aspect labels are the sources' own; only which of our topics they belong to is decided here. An aspect
without a counterpart maps to nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

RESTAURANT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FOOD#QUALITY": "product_quality",
        "FOOD#STYLE_OPTIONS": "product_quality",
        "DRINKS#QUALITY": "product_quality",
        "DRINKS#STYLE_OPTIONS": "product_quality",
        "AMBIENCE#GENERAL": "product_quality",
        "LOCATION#GENERAL": "product_quality",
        "SERVICE#GENERAL": "customer_service",
        "FOOD#PRICES": "pricing_value",
        "DRINKS#PRICES": "pricing_value",
        "RESTAURANT#PRICES": "pricing_value",
    }
)
"""csrest. A text that is only about RESTAURANT#GENERAL or #MISCELLANEOUS is left out."""

CAR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fuel": "product_quality",
        "machine": "product_quality",
        "part": "product_quality",
        "price": "pricing_value",
        "service": "customer_service",
    }
)
"""indonlu casa."""

HOTEL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ac": "product_quality",
        "air_panas": "product_quality",
        "bau": "product_quality",
        "kebersihan": "product_quality",
        "linen": "product_quality",
        "sunrise_meal": "product_quality",
        "tv": "product_quality",
        "service": "customer_service",
        "wifi": "performance_outage",
    }
)
"""indonlu hoasa."""


def topics_of_mentions(mentions: Iterable[str], table: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return topics by how often their aspects are mentioned, most often first.

    Args:
        mentions: Aspect names, one a mention.
        table: From aspect to topic.

    Returns:
        At most two topics; `None` when no aspect has a counterpart.

    >>> topics_of_mentions(["service", "fuel", "part"], CAR)
    ('product_quality', 'customer_service')
    """
    counts = Counter(table[mention] for mention in mentions if mention in table)
    return tuple(topic for topic, _ in counts.most_common(2)) or None


def mentioned(aspects: Mapping[str, Any]) -> list[str]:
    """Return the aspects that indonlu marks as mentioned: "neutral" there also means "not mentioned".

    >>> mentioned({"fuel": "neutral", "price": "negative"})
    ['price']
    """
    return [aspect for aspect, sentiment in aspects.items() if sentiment != "neutral"]
