"""The server's memory as people come and go: sessions that open every page, ten at once, and leave.

A session is a websocket that says what a browser says, so that none has to be drawn: the server's
part is the same.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from smd.bench import browser
from smd.bench.browser import PATIENCE, PLACES
from smd.bench.many import environment, fill
from smd.bench.part import Part, Row

PAGES = tuple(dict.fromkeys(["import", *(place.title.lower() for place in PLACES)]))
NOT_YET = ForwardMsg.FINISHED_EARLY_FOR_RERUN


class Session:
    """One person's connection."""

    def __init__(self, address: str) -> None:
        self.socket = connect(
            f"{address.replace('http', 'ws', 1)}/_stcore/stream",
            origin=Origin(address),
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            max_queue=None,  # what nobody has looked at yet must not hold up the server
        )

    def ask(self, page: str) -> None:
        """Ask for a page."""
        message = BackMsg()
        message.rerun_script.page_name = page
        self.socket.send(message.SerializeToString())

    def shown(self) -> list[str]:
        """Wait until the page is over: the errors that it shows."""
        wrong = []
        while True:
            message = ForwardMsg.FromString(bytes(self.socket.recv(PATIENCE, decode=False)))
            element = message.delta.new_element
            if element.WhichOneof("type") == "exception":
                wrong.append(element.exception.message)
            if (
                element.WhichOneof("type") == "alert"
                and element.alert.format == element.alert.ERROR
            ):
                wrong.append(element.alert.body)
            if message.HasField("script_finished") and message.script_finished != NOT_YET:
                return wrong

    def leave(self) -> None:
        """Close the window."""
        self.socket.close()


def measure(quick: bool) -> Part:
    """Fifty sessions on a hundred finished runs on the digits, the newest of 150 epochs on 60,000
    samples."""
    runs, epochs, samples, many, at_once = (3, 2, 60, 4, 2) if quick else (100, 150, 60_000, 50, 10)
    with TemporaryDirectory() as folder:
        env = environment(Path(folder) / "runs")
        fill(Path(folder) / "runs", runs, epochs, samples)
        with browser.server(env) as there:
            rows = [_row(there, number, at_once) for number in range(at_once, many + 1, at_once)]
    note = (
        f"{runs} finished runs, the newest of {epochs} epochs on {samples:,} samples. {at_once}"
        f" sessions at once open all {len(PAGES)} pages, each page all of them together, and leave;"
        " then the next. open_mib: the resident memory of the server's process when the last page"
        " is over, left_mib: when they have gone, of which Streamlit keeps each for two minutes in"
        " case it comes back. A page that shows an error ends the measurement."
    )
    return Part("sessions", f"The server's memory over {many} sessions", rows, note)


def _row(there: browser.Server, number: int, at_once: int) -> Row:
    """The next sessions: they are the last of that number."""
    began, process = time.perf_counter(), psutil.Process(there.pid)
    sessions = [Session(there.address) for _ in range(at_once)]
    for page in PAGES:
        _all_open(sessions, page)
    took, opened = time.perf_counter() - began, _mib(process)
    for session in sessions:
        session.leave()
    return {
        "sessions": number,
        "pages": at_once * len(PAGES),
        "seconds": took,
        "open_mib": opened,
        "left_mib": _mib(process),
    }


def _all_open(sessions: Sequence[Session], page: str) -> None:
    """One page in all of them; raises RuntimeError where it shows an error."""
    for session in sessions:
        session.ask(page)
    wrong = [error for session in sessions for error in session.shown()]
    if wrong:
        raise RuntimeError(f"{page} shows an error: {wrong[0]}")


def _mib(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 2**20)
