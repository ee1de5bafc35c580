"""One upload as it comes in: written piece by piece, looked at, and only then given its name."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from smd.data import archive, array_files, file_kinds, names, sources, uploads
from smd.errors import UserError
from smd.files import durable, leftovers
from smd.units import show_bytes

CHECKED = 16 * 2**20  # bytes after which the disk is looked at again
PATIENCE = 3.0  # seconds to look at what it lists; the import looks at all of it
NOT_IMAGES = (
    "There is no image in it: class folders of images in an archive, or arrays in an .npz file,"
    " are what can be trained on."
)


class Incoming:
    """An upload on its way to the disk, in a hidden folder that `uploads.sweep` clears if this
    process dies. Every method raises UserError for what is to be told to the sender."""

    def __init__(self, sent: str) -> None:
        """sent: the file's name as its sender wrote it."""
        self.stem, self.suffix = uploads.named(sent)
        uploads.check_room()
        self._size, self._digest = 0, hashlib.blake2b(digest_size=8)
        with ExitStack() as stack, _refusing():
            uploads.folder().mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix=".upload-", dir=uploads.folder()))
            stack.callback(shutil.rmtree, place, ignore_errors=True)
            stack.enter_context(leftovers.held(place))
            self._path = place / f"{self.stem}{self.suffix}"
            self._file = stack.enter_context(self._path.open("xb"))
            self._stack = stack.pop_all()

    def write(self, data: bytes) -> None:
        """The next piece."""
        if self._size // CHECKED != (self._size + len(data)) // CHECKED:
            uploads.check_room(len(data))
        self._size += len(data)
        if self._size > uploads.limit():
            raise too_large()
        self._digest.update(data)
        with _refusing():
            self._file.write(data)

    def finish(self) -> Path:
        """The file at its place, or one with the same content that was there already."""
        with self._stack:
            with _refusing():
                self._file.close()
            self._check()
            digest = self._digest.hexdigest()
            if (there := uploads.find(digest, self.suffix)) is not None:
                uploads.looked_at(str(there))
                return there
            path = uploads.folder() / f"{self.stem}-{digest}{self.suffix}"
            with _refusing():
                durable.move(self._path, path)
            return path

    def discard(self) -> None:
        """Take away what has come; after `finish` nothing is left to be done."""
        self._stack.close()

    def _check(self) -> None:
        """Refuse what is broken, or has no images as far as can be seen soon."""
        try:
            if sources.holds_arrays(self._path):
                array_files.content(self._path, tabled=True)
                return
            members = sources.members(self._path, time.monotonic() + PATIENCE)
            if sum(file_kinds.is_image(member.path) for member in members):  # all are looked at
                return
        except archive.OutOfTime:  # a long one: the import tells
            return
        except UserError as error:
            told = str(error).replace(str(self._path), f"{self.stem}{self.suffix}")
            raise UserError(names.visible(told)) from None
        raise UserError(NOT_IMAGES)


def too_large() -> UserError:
    """What is said of an upload above the limit."""
    return UserError(
        f"The file is larger than {show_bytes(uploads.limit())}, the most that is taken here"
        f" ({uploads.GIVEN}): put it below SMD_DATA on this machine, and choose it by Browse."
    )


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"The upload cannot be written ({error.strerror or error}): make room on the disk of"
            f" {uploads.folder()}, or point SMD_DATA at another."
        ) from None
