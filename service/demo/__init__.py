"""The sample customers of an invented company, Kaiku, and the tenant that they live in."""

from service.demo.sample import SampleAccount, SampleText, load_accounts, load_texts
from service.demo.tenant import DEMO_TENANT, demo_key, remove_demo

__all__ = [
    "DEMO_TENANT",
    "SampleAccount",
    "SampleText",
    "demo_key",
    "load_accounts",
    "load_texts",
    "remove_demo",
]
