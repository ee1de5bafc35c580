"""The one file of a form that a browser sends, read as it comes (multipart/form-data)."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from smd.errors import UserError

NO_FORM = "The upload is no form with one file: choose the file on the page again."


class FormFile:
    """What has come of the file, and its name; raises UserError for what is no such form."""

    def __init__(self, kind: bytes) -> None:
        """kind: the request's Content-Type."""
        self.name = ""  # as its sender wrote it, known before its first byte
        self.whole = False  # whether all of it has come
        self._parts, self._pieces, self._size = 0, [], 0  # type: int, list[bytes], int
        self._field, self._value = b"", b""
        boundary = parse_options_header(kind)[1].get(b"boundary", b"")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begun,
                    "on_header_field": self._named,
                    "on_header_value": self._valued,
                    "on_header_end": self._headed,
                    "on_part_data": self._came,
                    "on_end": self._ended,
                },
            )
        except FormParserError:
            raise UserError(NO_FORM) from None

    def feed(self, body: bytes) -> int:
        """Read on; returns how many bytes of the file wait to be taken."""
        try:
            self._parser.write(body)
        except FormParserError:
            raise UserError(NO_FORM) from None
        return self._size

    def take(self) -> bytes:
        """The bytes of the file that have come since this was asked last."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return taken

    def _begun(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise UserError(NO_FORM)

    def _named(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _valued(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _headed(self) -> None:
        if self._field.lower() == b"content-disposition":
            self.name = (
                parse_options_header(self._value)[1].get(b"filename", b"").decode(errors="replace")
            )
        self._field = self._value = b""

    def _came(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])
        self._size += end - start

    def _ended(self) -> None:
        self.whole = True
