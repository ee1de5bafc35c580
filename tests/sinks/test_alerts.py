"""Alerts when a job ends: who is told what, and that nobody's failure is a job's."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from waiting import until

from smd import jobs
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.jobs import alerting, launch
from smd.jobs.session import claimed, session
from smd.runs import folders
from smd.sinks import alerts


@pytest.fixture
def hook(monkeypatch):
    """A web server that takes alerts: what it was told, and where it is."""
    told = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if "refuses" in self.path else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield told, f"json://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_everybody_is_told_and_a_failure_names_no_address(hook, monkeypatch):
    told, here = hook
    monkeypatch.setenv(alerting.VARIABLE, f"{here}/refuses/token123  nonsense {here}/takes")
    with pytest.raises(UserError) as error:
        alerts.send("a title", "a text")
    assert [(each["title"], each["message"]) for each in told] == [("a title", "a text")] * 2
    assert str(error.value) == (
        "address 1 (JSON) did not take it; address 2 of SMD_ALERTS is none that apprise knows."
    )
    monkeypatch.setenv(alerting.VARIABLE, f"{here}/takes")
    assert alerts.send("a title", "a text") == 1


def test_nobody_and_a_missing_package_are_a_sentence(monkeypatch):
    monkeypatch.delenv(alerting.VARIABLE, raising=False)
    with pytest.raises(UserError, match="names nobody"):
        alerts.send("a", "b")
    monkeypatch.setenv(alerting.VARIABLE, "json://127.0.0.1:1")
    monkeypatch.setattr(alerts, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"smd-studio\[alerts\]"):
        alerts.send("a", "b")


def test_a_message_has_the_run_and_its_end_and_no_reason(own_runs):
    run = folders.create(TrainConfig(device="cpu"))
    with pytest.raises(UserError), session(run.folder, "cpu"):
        raise UserError("/patients/Mrs Doe.dcm is broken.")
    title, text = alerts.message(run.folder)
    assert title == "SMD Studio: run failed"
    assert run.id in text
    assert text.startswith("SMD, run ")
    assert "its log says why" in text
    assert "Doe" not in text


def test_a_job_s_end_is_told_by_whoever_does_it(hook, monkeypatch, own_runs):
    told, here = hook
    monkeypatch.setenv(alerting.VARIABLE, f"{here}/takes")
    run = folders.create(TrainConfig(device="cpu"), claim=True)
    with claimed(run.folder), session(run.folder, "cpu"):
        assert told == []
    until(lambda: told, "an alert")
    assert told[0]["title"] == "SMD Studio: run finished"


def test_who_is_cancelled_in_the_queue_is_told_of_and_who_waits_is_not(monkeypatch, own_runs):
    told = []
    monkeypatch.setenv(alerting.VARIABLE, "json://127.0.0.1:1")
    monkeypatch.setattr(
        alerting.children, "command", lambda _, folder: told.append(folder) or ["true"]
    )
    run = folders.create(TrainConfig(device="cpu"))
    alerting.tell(run.folder)
    assert told == []
    launch.cancel(run.folder)
    assert told == [str(run.folder)]


def test_alerts_that_fail_are_a_line_in_the_log_and_nobody_waits_for_them(monkeypatch, own_runs):
    run = folders.create(TrainConfig(device="cpu"), claim=True)
    monkeypatch.setenv(alerting.VARIABLE, "nonsense")
    with claimed(run.folder), session(run.folder, "cpu"):
        pass
    assert jobs.read(run.folder).state == "finished"
    log = run.folder / "log.txt"
    until(lambda: log.is_file() and log.read_text().endswith("\n"), "a line")
    assert log.read_text() == (
        "The alert was not sent: address 1 of SMD_ALERTS is none that apprise knows.\n"
    )
