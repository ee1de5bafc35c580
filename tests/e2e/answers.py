"""What a page asked its server for, and whether the answer has come.

Pages of Streamlit talk over one websocket.
"""

import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

FINISHED = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY


class Answers:
    """Follows the whole runs of a page's script, those of its fragments left out.

    Whoever goes on before an answer has come is overtaken by it: Streamlit's front end then puts
    the page that the answer is about into the history once more, and what lay ahead is lost.
    """

    def __init__(self, page):
        self._page = page
        self._events = []
        page.on("websocket", self._listen)

    def _listen(self, socket):
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, frame):
        message = BackMsg.FromString(frame) if isinstance(frame, bytes) else BackMsg()
        if message.HasField("rerun_script") and not message.rerun_script.fragment_id:
            self._events.append("asked")

    def _received(self, frame):
        message = ForwardMsg.FromString(frame) if isinstance(frame, bytes) else ForwardMsg()
        if message.WhichOneof("type") == "script_finished" and message.script_finished == FINISHED:
            self._events.append("ended")

    def after(self, step):
        """Do a step that makes the page ask, and wait for the whole answer; in 30 seconds at
        most."""
        self._events.clear()
        step()
        deadline = time.monotonic() + 30
        while self._events[-1:] != ["ended"] or "asked" not in self._events:
            assert time.monotonic() < deadline, self._events
            self._page.wait_for_timeout(20)
