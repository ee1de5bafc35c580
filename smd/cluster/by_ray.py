"""Nodes of a Ray cluster (extra `ray`): one actor a job, with the GPU or the core that it asks for.

SMD_CLUSTER is the address: ray://host:10001, host:6379, or "ray" for the cluster of this machine.
Ray runs whatever code it is sent by whoever reaches its ports.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from smd.cluster.actor import Actor
from smd.cluster.hands import ONE, Lost, Wanted
from smd.devices import CLUSTER
from smd.errors import UserError

if TYPE_CHECKING:
    from smd.dealing.dealer import Work

MISSING = "Jobs on a Ray cluster need Ray: pip install smd-studio[ray]."
LOOK = 0.5  # seconds between two looks at whether a node is free by now
SILENT = 600.0  # seconds after which a node that does not answer counts as lost
CALLS = 4  # that a node answers at a time: events are waited for while it is asked to stop


class RayHand:
    """An actor (smd.cluster.hands.Hand)."""

    pool = "smd.cluster.by_ray:RayPool"

    def __init__(self, ray: Any, actor: Any, device: str) -> None:
        self._ray, self.handle, self.device, self.address = ray, actor, device, ""
        self.helpers: Sequence[RayHand] = ()
        self._lost = ""  # why it is gone

    def call(self, name: str, *args: Any) -> Any:
        """See Hand."""
        if self._lost:
            raise Lost(self._lost)
        try:
            return _get(self._ray, self.handle.call.remote(name, *args))
        except Lost as error:
            self._lost = str(error)
            raise


def _get(ray: Any, answer: Any) -> Any:
    """What a method returned, or raises what it raised; Lost where its actor is gone."""
    try:
        return ray.get(answer, timeout=SILENT)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        raise (cause if isinstance(cause, UserError) else error) from None
    except (ray.exceptions.RayError, ConnectionError) as error:
        raise Lost(_line(error)) from None


class RayPool:
    """Actors that do portions for another (smd.cluster.spread.Pool)."""

    def __init__(self, handles: Sequence[Any], order: Mapping[str, Any], work: "Work") -> None:
        """Raises UserError as Node.lend does, Lost where an actor is gone."""
        self._ray, self.nodes = _connected(), handles
        given = self._ray.put(order)
        for answer in [
            each.call.remote("lend", given, work.split, work.weights) for each in handles
        ]:
            _get(self._ray, answer)

    def start(self, node: Any, portion: Any) -> Any:
        """See Pool."""
        return node.call.remote("portion", portion)

    def done(self, tickets: Sequence[Any], seconds: float) -> Sequence[Any]:
        """See Pool."""
        found, _ = self._ray.wait(list(tickets), timeout=seconds)
        return list(found)

    def answer(self, ticket: Any) -> tuple[str, Any]:
        """See Pool."""
        how, result = _get(self._ray, ticket)
        return str(how), result


@contextmanager
def hired(alive: Callable[[], None], wanted: Wanted = ONE) -> Iterator[RayHand]:
    """See smd.cluster.hands.Hire. A node whose helpers do its work takes nothing of the cluster
    itself, so that they may have all of it."""
    ray = _connected()
    has = ray.cluster_resources()
    kind, device = ("GPU", "cuda:0") if has.get("GPU", 0) >= 1 else ("CPU", "cpu")
    own = {"num_cpus": 1, "num_gpus": int(kind == "GPU")}
    leads = bool(wanted.helpers) and not wanted.ranks
    count = wanted.helpers + (not leads)
    _refuse_too_many(count, wanted, has.get(kind, 0), kind)
    hands: list[RayHand] = []
    with _reserved(ray, count, own, alive) as places:
        try:
            if leads:
                hands.append(_hand(ray, {"num_cpus": 0}, "cpu"))
            hands += [_hand(ray, own | place, device) for place in places]
            for hand in hands:
                _wait(ray, hand.handle, alive)
                hand.address = _get(ray, hand.handle.address.remote()) if wanted.ranks else ""
            hands[0].helpers = hands[1:]
            yield hands[0]
        finally:
            for hand in hands:
                with suppress(Exception):
                    ray.kill(hand.handle)


def _hand(ray: Any, options: Mapping[str, Any], device: str) -> RayHand:
    """A new actor, as soon as the cluster has room for it."""
    actor = ray.remote(Actor).options(max_concurrency=CALLS, **options)
    return RayHand(ray, actor.remote(), device)


def _refuse_too_many(count: int, wanted: Wanted, has: float, kind: str) -> None:
    """Raises UserError where the cluster has fewer devices, unless it may get them back."""
    if count > max(1, has) and not wanted.again:
        raise UserError(
            f"{count} devices are asked for and the cluster has {has:g} {kind}s: write a smaller"
            " count of --devices."
        )


@contextmanager
def _reserved(
    ray: Any, count: int, each: Mapping[str, Any], alive: Callable[[], None]
) -> Iterator[list[dict[str, Any]]]:
    """Places for so many actors at once, each with those options, or for none yet: so no two jobs
    hold a part each and wait for the other's. Options for each place; one alone needs none."""
    if count == 1:
        yield [{}]
        return
    from ray.util.placement_group import placement_group, remove_placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    bundle = {"CPU": each["num_cpus"], **({"GPU": 1} if each["num_gpus"] else {})}
    group = placement_group([bundle] * count)
    try:
        ready = group.ready()
        while not ray.wait([ready], timeout=LOOK)[0]:
            alive()
        yield [
            {"scheduling_strategy": PlacementGroupSchedulingStrategy(group, number)}
            for number in range(count)
        ]
    finally:
        with suppress(Exception):
            remove_placement_group(group)


def _wait(ray: Any, actor: Any, alive: Callable[[], None]) -> None:
    """Until the cluster has room for it."""
    answer = actor.call.remote("hello")
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
        with _own_signals():
            ray.init(address(), log_to_driver=False, logging_level=logging.ERROR, namespace="smd")
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise UserError(
            f"No Ray cluster answers at {address()} ({_line(error)}): start one with `ray start"
            f" --head`, or set {CLUSTER} to the address of one."
        ) from None
    return ray


@contextmanager
def _own_signals() -> Iterator[None]:
    """Within, Ray may set what SIGTERM and SIGINT do: afterwards a job's own way of stopping holds
    again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in own.items():
            signal.signal(number, handler)


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1].partition(". ")[0] if lines else type(error).__name__)[:200]
