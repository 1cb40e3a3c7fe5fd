"""What an address means to who may reach it."""

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens on `host`.

    A name counts as loopback when every address it stands for is one.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("")
    (True, True, False, False)
    """
    if not host:
        return False
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    # A scoped IPv6 address carries its interface after a percent sign.
    return all(ipaddress.ip_address(str(row[4][0]).partition("%")[0]).is_loopback for row in found)
