"""MLflow: a run of the same name at MLFLOW_TRACKING_URI, or in a database beside the runs.

MLflow 3.17 refuses its old stores of files as being in maintenance mode, hence SQLite.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from smd.paths import runs_root
from smd.sinks.events import About, End, Epoch, Judged

EXPERIMENT = "smd-studio"  # unless MLFLOW_EXPERIMENT_NAME says another
TAG = "smd.run"
DONE = "epoch"  # the number that says which epochs are there, kept in one go with the others
STATES = {"finished": "FINISHED", "cancelled": "KILLED", "failed": "FAILED"}
LONGEST = 500  # characters of a parameter, which every version of MLflow takes


class MLflow:
    """Writes a run of MLflow; every job on our run goes on with the same one."""

    def begin(self, about: About) -> int:
        """See smd.sinks.events.Sink."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves unasked
        from mlflow import MlflowClient
        from mlflow.entities import Param

        place = os.environ.get("MLFLOW_TRACKING_URI")
        self._client: Any = MlflowClient(place or f"sqlite:///{runs_root() / 'mlflow.db'}")
        experiment = _experiment(self._client, None if place else runs_root() / "mlruns")
        known = self._client.search_runs([experiment], f"tags.`{TAG}` = '{about.run}'")
        if known:
            self._run = known[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
        else:
            tags = {TAG: about.run, **{_fit(n): v for n, v in about.provenance.items()}}
            made = self._client.create_run(experiment, tags=tags, run_name=about.run)
            self._run = made.info.run_id
            params = [Param(_fit(n), v[:LONGEST]) for n, v in about.config.items()]
            self._client.log_batch(self._run, params=params)
        history = self._client.get_metric_history(self._run, DONE)
        return max((int(each.step) for each in history), default=0)

    def epoch(self, event: Epoch) -> None:
        """See smd.sinks.events.Sink."""
        self._keep({**event.values, DONE: event.epoch}, event.epoch, event.moment)

    def attack(self, event: Judged) -> None:
        """See smd.sinks.events.Sink."""
        self._keep(event.values, event.epoch, event.moment)

    estimate = attack

    def _keep(self, values: Mapping[str, float], step: int, moment: float) -> None:
        from mlflow.entities import Metric

        when = round(1000 * moment)
        batch = [Metric(_fit(name), value, when, step) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=batch)

    def end(self, event: End) -> None:
        """See smd.sinks.events.Sink."""
        for name, table in event.tables.items():
            self._client.log_text(self._run, table, f"tables/{name}")
        if event.card:
            self._client.log_text(self._run, event.card, "model-card.md")
        self._client.set_terminated(self._run, STATES[event.status])


def _experiment(client: Any, artifacts: Any) -> str:
    """The id of the experiment, made where there is none yet."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    if known := client.get_experiment_by_name(name):
        return str(known.experiment_id)
    return str(client.create_experiment(name, artifacts.as_uri() if artifacts else None))


def _fit(name: str) -> str:
    """A name of signs that MLflow takes."""
    return re.sub(r"[^\w./ -]", "_", name)
