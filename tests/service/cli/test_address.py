import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.address import is_loopback


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "192.168.1.4", "10.0.0.1", "no.such.host.invalid", "a" * 300],  # noqa: S104
)
def test_what_others_may_reach_or_nobody_knows_is_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_what_only_this_machine_reaches_is_loopback(host):
    assert is_loopback(host)


@given(st.ip_addresses())
def test_every_address_is_judged_as_the_standard_library_does(address):
    assert is_loopback(str(address)) == ipaddress.ip_address(str(address)).is_loopback
