"""Where the server listens, and how a person gets there."""

import errno
import ipaddress
import socket

from ..errors import SiffraError

_TRIED = 20  # ports after one that is taken
_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}  # of documentation


class ServerError(SiffraError, OSError):
    """A page that cannot be served where it was asked for; the message says what would work."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at the first address that a host name stands for.

    Raises:
        ServerError: There is no such address on this machine, or the port is taken.
    """
    if not 0 <= port <= 65535:
        raise ServerError(f"port {port}: ports are from 0, which takes a free one, to 65535")
    family, address = _resolved(host)
    try:
        return _bound(family, address, port)
    except OSError as error:
        raise ServerError(_why_not(error, host, family, address, port)) from error


def is_loopback(listener: socket.socket) -> bool:
    """Tell whether only this machine can reach a socket."""
    return ipaddress.ip_address(_address(listener)).is_loopback


def typed(listener: socket.socket) -> str:
    """Return host and port as a person types them: for all addresses, the one others reach."""
    address, port = _address(listener), listener.getsockname()[1]
    if ipaddress.ip_address(address).is_unspecified:
        address = _reached() or socket.gethostname()
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _resolved(host: str) -> tuple[socket.AddressFamily, str]:
    if host == "localhost":
        return socket.AF_INET, "127.0.0.1"  # what people type, and curl tries either way
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ServerError(
            f"{host!r} is no host that is known here; take 127.0.0.1 for this machine alone "
            "or 0.0.0.0 for all its networks"
        ) from error
    family, _, _, _, address = found[0]
    return family, str(address[0])


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    both = (
        family == socket.AF_INET6
        and ipaddress.ip_address(address).is_unspecified
        and socket.has_dualstack_ipv6()
    )
    bound = socket.create_server((address, port), family=family, dualstack_ipv6=both)
    # asyncio turns Nagle's algorithm off, which delays each answer by 40 ms, but only for sockets
    # that are told to be TCP.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, bound.detach())


def _why_not(
    error: OSError, host: str, family: socket.AddressFamily, address: str, port: int
) -> str:
    if error.errno == errno.EADDRINUSE:
        free = _free_port(family, address, port)
        return f"port {port} of {host} is taken; try --serve {host}:{free}"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} is not for every user; try one from 1024, such as 8000"
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{host} is no address of this machine; take 127.0.0.1 for this machine alone "
            "or 0.0.0.0 for all its networks"
        )
    return f"cannot listen at {host}, port {port} ({error.strerror or error})"


def _free_port(family: socket.AddressFamily, address: str, port: int) -> int:
    """Return the next port that is free; 0, which takes any, where none near is."""
    for candidate in range(port + 1, min(port + _TRIED, 65535)):
        try:
            _bound(family, address, candidate).close()
        except OSError:
            continue
        return candidate
    return 0


def _reached() -> str | None:
    """Return the address by which others most likely reach this machine; None if it is alone."""
    for family, elsewhere in _ELSEWHERE.items():
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((elsewhere, 9))  # sends nothing: it only chooses the way
            except OSError:
                continue
            return str(probe.getsockname()[0])
    return None


def _address(listener: socket.socket) -> str:
    return str(listener.getsockname()[0])
