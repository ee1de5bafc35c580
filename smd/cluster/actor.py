"""A node as an actor: light for who only names it, as the head does; all else is imported there."""

from typing import Any


class Actor:
    """A smd.cluster.node.Node whose methods are called by name."""

    def __init__(self) -> None:
        from smd.cluster.node import Node

        self._node = Node()

    def address(self) -> str:
        """The address at which the cluster reaches this machine."""
        import ray

        return str(ray.util.get_node_ip_address())

    def call(self, name: str, *args: Any) -> Any:
        """What that method returns."""
        return getattr(self._node, name)(*args)
