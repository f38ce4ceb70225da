"""Addresses of programs in definitions: what can be seen to be wrong without asking anybody."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from meshscope.findings import DefinitionError, Finding, Place

_HOST_AND_PORT = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(?P<rest>[^/?#]*)")


def check_addresses(place: Place | None, **given: str | tuple[str, ...] | None) -> None:
    """Raise `DefinitionError` where an address of IPv6 stands without the brackets that tell it from its port.

    Takes each argument's name and address, ``host:port`` or a URL, or several of them; None is none.
    """
    for argument, addresses in given.items():
        for address in (addresses,) if isinstance(addresses, str) else addresses or ():
            found = _HOST_AND_PORT.match(address)
            rest = found["rest"] if found else ""
            if rest.count(":") > 1 and not rest.startswith("["):
                raise DefinitionError(
                    Finding(
                        code="mesh/bare-address",
                        title=f"`{address}` is an address of IPv6 without brackets",
                        place=place,
                        argument=argument,
                        why="nobody can tell where the address ends and the port begins",
                        help=f'write "{address.replace(rest, _bracketed(rest), 1)}"',
                    )
                )


def _bracketed(rest: str) -> str:
    # A port of up to five digits can't be told from the address's last group by itself: four are taken for the port
    # only where what is left is an address.
    head, _, port = rest.rpartition(":")
    return f"[{head}]:{port}" if port.isdigit() and _is_address(head) else f"[{rest}]"


def _is_address(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
