"""The Hub's endpoints that a push asks, on this machine; what they were sent is kept."""

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StubHub:
    """What it answers with, and what it was sent."""

    def __init__(self):
        self.address = ""
        self.private = {}  # repository -> whether it is private
        self.files = {}  # name -> content, of the last commit
        self.refusal = 0  # status of every answer; 0: it takes what it is sent
        self.tokens = set()
        self.asked = []  # paths, in order

    def answer(self, path, body):
        """(status, JSON) of one request."""
        self.asked.append(path)
        if self.refusal:
            return self.refusal, {"error": "no"}
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            status = 409 if name in self.private else 200
            self.private.setdefault(name, asked["visibility"] == "private")
            return status, {"url": f"{self.address}/{name}"}
        if path == "/api/validate-yaml":  # of the card's head
            return 200, {"errors": [], "warnings": []}
        name = "/".join(path.split("/")[3:5])
        if "/preupload/" in path:
            given = json.loads(body)["files"]
            modes = {"uploadMode": "regular", "shouldIgnore": False}
            return 200, {"files": [{"path": each["path"], **modes} for each in given]}
        if "/commit/" in path:
            lines = [json.loads(line) for line in body.splitlines()]
            values = [line["value"] for line in lines if line["key"] == "file"]
            self.files = {each["path"]: base64.b64decode(each["content"]) for each in values}
            url = f"{self.address}/{name}/commit/0"
            return 200, {"success": True, "commitOid": "0", "commitUrl": url}
        if name not in self.private:
            return 404, {"error": "no such place"}
        return 200, {"id": name, "private": self.private[name], "tags": [], "siblings": []}


@contextmanager
def serving():
    """The stub, for the length of the body."""
    hub = StubHub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b"".join(self.chunks())
            hub.tokens.add(self.headers.get("Authorization"))
            status, values = hub.answer(self.path.partition("?")[0], body)
            content = json.dumps(values).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def chunks(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
