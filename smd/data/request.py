"""What a data set's loader is asked for."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, float], None]  # (what is being done, how much of it in [0, 1])


@dataclass(frozen=True)
class Request:
    """Where own images are, how large they shall be, and who wants to hear of the progress."""

    path: str = ""  # folder or archive of class folders, or a file of arrays; own images only
    image_size: int = 0  # side in pixels that own images are resized to; 0: as they are
    progress: Progress | None = None

    def report(self, text: str, fraction: float) -> None:
        """Tell how far the import is, if anybody listens."""
        if self.progress:
            self.progress(text, fraction)
