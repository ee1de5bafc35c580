"""The report's last part: versions, hardware, hashes, and the commands to repeat all of it."""

import dataclasses
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from smd.config import schema
from smd.config.schema import ImportConfig, TrainConfig
from smd.errors import UserError
from smd.files import foreign
from smd.jobs import kinds
from smd.report import words
from smd.report.known import Known
from smd.report.markup import Markup, cut, element, facts, joined, paragraph
from smd.runs import folders
from smd.version import __version__

CHUNK = 2**20
MOST = 30  # commands


def section(known: Known) -> Markup:
    """What it was made with, and how to make it again."""
    lines = [*commands(known)]
    return joined(
        [
            facts([*_versions(known), *_hashes(known)]),
            element("h3", "Commands"),
            paragraph(
                "Paths are shortened to their last part: put your own in front. Jobs run in the"
                " order of these lines."
            ),
            element("pre", element("code", "\n".join(lines))),
        ]
    )


def _versions(known: Known) -> list[tuple[str, str]]:
    about = known.provenance
    if not about:
        return [
            ("Code", "not known, the run's provenance.json is missing"),
            ("This report", f"SMD Studio {__version__}"),
        ]
    changed = ", with changes that were not committed" if about.get("dirty") else ""
    packages = about.get("packages", {})
    told = [f"{cut(name, 40)} {cut(version, 40)}" for name, version in list(packages.items())[:20]]
    return [
        (
            "Code",
            cut(
                f"commit {about['commit']}{changed}" if about.get("commit") else "no commit known",
                120,
            ),
        ),
        ("Versions", ", ".join([f"Python {cut(about.get('python', 'not stored'), 40)}", *told])),
        ("Processor", cut(about.get("processor", "not stored"), 120)),
        ("Device", cut(known.about.get("device", "not stored"), 120)),
        (
            "This report",
            f"SMD Studio {__version__}, store of version {known.about.get('schema', 'unknown')}",
        ),
    ]


def _hashes(known: Known) -> list[tuple[str, str]]:
    file = known.about.get("file")
    imported = cut(file.get("sha256", "not stored"), 80) if isinstance(file, dict) else ""
    content = known.about.get("content")
    return [
        (
            "Images",
            f"BLAKE2b {cut(content, 80)} of pixels, labels, splits and classes"
            if content
            else "no hash stored",
        ),
        ("Imported file", f"SHA-256 {imported}" * bool(imported)),
        ("Weights", _digest(known.run.weights) or "not there"),
        ("Averaged weights", _digest(known.run.averaged_weights)),
        ("Run", known.run.id),
    ]


def _digest(path: Path) -> str:
    """SHA-256 of a file of the run; "" where there is none that can be read."""
    digest = hashlib.sha256()
    with suppress(OSError, UserError), foreign.opened(path) as file:
        while part := file.read(CHUNK):
            digest.update(part)
        return f"SHA-256 {digest.hexdigest()} of {path.name}"
    return ""


def commands(known: Known) -> Iterator[str]:
    """The shell commands of the run, of each job on it, the oldest first, and of this report."""
    config = _shortened(known.config)
    kind = kinds.of_config(config)
    yield str(kind.command(config))
    jobs = sorted(folders.jobs_of(known.run), key=lambda folder: folder.name)
    for folder in jobs[:MOST]:
        with suppress(UserError, OSError):
            kind = kinds.of_folder(folder)
            job = schema.read(kind.config, folder / "config.json")
            yield str(kind.command(dataclasses.replace(job, run=known.run.id)))
    if len(jobs) > MOST:
        yield f"# and {len(jobs) - MOST:,} more jobs"
    yield words.report_command(known)


def _shortened(config: TrainConfig) -> TrainConfig:
    """The config with the last part of each path: the rest tells of the machine, not the run."""
    changed: dict[str, Any] = {
        "data_path": PurePath(config.data_path).name,
        "labels": PurePath(config.labels).name,
    }
    if "/" in config.init:
        changed["init"] = PurePath(config.init).name
    if isinstance(config, ImportConfig):
        changed["file"] = PurePath(config.file).name
    return dataclasses.replace(config, **changed)
