"""Nodes of a Ray cluster (extra `ray`): one actor a job, with the GPU or the core that it asks for.

SMD_CLUSTER is the address: ray://host:10001, host:6379, or "ray" for the cluster of this machine.
Ray runs whatever code it is sent by whoever reaches its ports.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from smd.cluster.hands import Lost
from smd.cluster.node import Node
from smd.devices import CLUSTER
from smd.errors import UserError

MISSING = "Jobs on a Ray cluster need Ray: pip install smd-studio[ray]."
LOOK = 0.5  # seconds between two looks at whether a node is free by now
SILENT = 600.0  # seconds after which a node that does not answer counts as lost
CALLS = 4  # that a node answers at a time: events are waited for while it is asked to stop


class RayHand:
    """An actor (smd.cluster.hands.Hand)."""

    def __init__(self, ray: Any, actor: Any, device: str) -> None:
        self._ray, self._actor, self.device = ray, actor, device

    def call(self, name: str, *args: Any) -> Any:
        """See Hand."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(getattr(self._actor, name).remote(*args), timeout=SILENT)
        except errors.RayTaskError as error:  # what the method raised
            cause = error.cause
            raise (cause if isinstance(cause, UserError) else error) from None
        except (errors.RayError, ConnectionError) as error:
            raise Lost(_line(error)) from None


@contextmanager
def hired(alive: Callable[[], None]) -> Iterator[RayHand]:
    """See smd.cluster.hands.Hire."""
    ray = _connected()
    gpus = ray.cluster_resources().get("GPU", 0) >= 1
    words = {"num_gpus": 1} if gpus else {"num_gpus": 0}
    actor = ray.remote(Node).options(num_cpus=1, max_concurrency=CALLS, **words).remote()
    hand = RayHand(ray, actor, "cuda:0" if gpus else "cpu")
    try:
        _wait(ray, actor, alive)
        yield hand
    finally:
        with suppress(Exception):
            ray.kill(actor)


def _wait(ray: Any, actor: Any, alive: Callable[[], None]) -> None:
    """Until the cluster has room for it."""
    answer = actor.hello.remote()
    while not ray.wait([answer], timeout=LOOK)[0]:
        alive()
    try:
        ray.get(answer)
    except ray.exceptions.RayTaskError as error:
        raise UserError(
            f"A node cannot run SMD Studio ({_line(error)}): install the version of this machine on"
            " every node, then resume the job."
        ) from None
    except ray.exceptions.RayError as error:
        if "ModuleNotFoundError" in str(error):
            raise UserError(
                "A node of the cluster lacks SMD Studio: install the version of this machine on"
                " every node, then resume the job."
            ) from None
        raise Lost(_line(error)) from None


def address() -> str:
    """Where the cluster is, as ray.init takes it."""
    given = os.environ.get(CLUSTER, "").strip()
    return "auto" if given in ("", "ray") else given


def _connected() -> Any:
    """Ray, connected; raises UserError where it is missing or nobody answers."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    try:
        import ray
    except ImportError:
        raise UserError(MISSING) from None
    if ray.is_initialized():
        return ray
    try:
        ray.init(address(), log_to_driver=False, logging_level=logging.ERROR, namespace="smd")
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise UserError(
            f"No Ray cluster answers at {address()} ({_line(error)}): start one with `ray start"
            f" --head`, or set {CLUSTER} to the address of one."
        ) from None
    return ray


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
