"""Where ranks on several machines meet, and by which network they exchange.

The first one's process has a store that listens at its machine; the others come to it. Whoever
reaches it, or what the ranks exchange by, may read and change both: nothing is encrypted, and
nobody is asked who they are.
"""

import os
from datetime import timedelta

import psutil
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from smd.errors import UserError

COMING = 60.0  # seconds in which a rank reaches the first one's machine


def opened(address: str, timeout: float) -> TCPStore:
    """A store of the first rank's process, at a port that is free (its `port`).

    address: its machine's, by which the others reach it. timeout: seconds that one waits for what
    another writes there.
    """
    _exchange_by(address)
    wait = timedelta(seconds=timeout)
    return TCPStore(address, 0, is_master=True, timeout=wait, wait_for_workers=False)


def reached(host: str, port: int, address: str, timeout: float) -> TCPStore:
    """The store that `opened` has made at another machine's address, `host`.

    address: this machine's own; timeout: as of `opened`. Raises UserError where it is not reached.
    """
    _exchange_by(address)
    coming = timedelta(seconds=COMING)
    try:
        store = TCPStore(host, port, timeout=coming, wait_for_workers=False)
    except RuntimeError as error:
        raise UserError(
            f"{address} does not reach port {port} of {host}, where the first rank is: let the"
            " cluster's nodes reach each other at all ports."
        ) from error
    store.set_timeout(timedelta(seconds=timeout))
    return store


def _exchange_by(address: str) -> None:
    """Take the network interface of the address, unless the environment names one: a machine's own
    name, by which gloo looks for it, may mean loopback."""
    if name := interface(address):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", f"={name}")


def interface(address: str) -> str:
    """The name of this machine's network interface that has an address, "" where none has."""
    for name, found in psutil.net_if_addrs().items():
        if any(each.address.partition("%")[0] == address for each in found):
            return name
    return ""
