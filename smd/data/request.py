"""What a data set's loader is told: path, size, channels, and who hears of the progress."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, float], None]  # (what is being done, how much of it in [0, 1])

CHANNELS = ("", "gray", "rgb")  # what own images can be converted to; "": as they are


@dataclass(frozen=True)
class Request:
    """Where own images are, how large they shall be, and who wants to hear of the progress."""

    path: str = ""  # folder or archive of class folders, or a file of arrays; own images only
    image_size: int = 0  # side in pixels that own images are resized to; 0: as they are
    progress: Progress | None = None
    skip_broken: bool = False  # leave out image files that cannot be read, and say so
    channels: str = ""  # "gray" or "rgb": what all own images are converted to; "": as they are
    labels: str = ""  # a table with a row an image file, see smd.data.table; "": there is none
    columns: str = ""  # which of its columns are what, see smd.config.parsing; "": guessed
    intensity: str = ""  # how values of more than 8 bits become pixels, see smd.config.intensities
    volumes: bool = False  # each folder of DICOM slices is one volume
    spacing: str = ""  # mm that scans are resampled to, see smd.config.spacings; "": as they are

    @property
    def choices(self) -> dict[str, str | int]:
        """What to do with images that do not fit; part of a cache's fingerprint."""
        given: dict[str, str | int] = {
            "skip_broken": int(self.skip_broken),
            "channels": self.channels,
            "labels": self.labels,
            "columns": self.columns,
            "intensity": self.intensity,
            "volumes": int(self.volumes),
            "spacing": self.spacing,
        }
        return {name: value for name, value in given.items() if value}

    def report(self, text: str, fraction: float) -> None:
        """Tell how far the import is, if anybody listens."""
        if self.progress:
            self.progress(text, fraction)
