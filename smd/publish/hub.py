"""A run on the Hugging Face Hub: its model card, its weights and what they are, in one commit.

Nothing is sent before `push`; a repository that is made is private unless it shall be public.
"""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from smd.errors import UserError
from smd.files import foreign
from smd.publish.about import about, as_json
from smd.publish.hub_card import hub_card
from smd.publish.networks import content
from smd.runs.folders import Run
from smd.tasks.network import Trained

CARD, CONFIG = "README.md", "config.json"
REFUSED = {
    401: "does not know your token: log in anew with `hf auth login`, or set HF_TOKEN",
    403: "does not let your token write there: make one that may at"
    " https://huggingface.co/settings/tokens, or choose another OWNER",
    404: "knows no such place, or your token may not see it: check OWNER/NAME",
}


def files(run: Run, network: Trained, also: Iterable[str] = ()) -> dict[str, bytes]:
    """What a push sends, content by name: the run's card, its weights, what they are, and the whole
    network in the formats of `also` (smd.publish.formats). No path of this machine is in it."""
    texts = about(run.id, run.config, network.model, network.shape, network.classes)
    own = "pt2" if run.network else "safetensors"  # a whole network from a file has no names
    named = {f"model.{form}": form for form in dict.fromkeys((own, *also))}
    written = {name: content(run, network, form).content for name, form in named.items()}
    card = hub_card(_card(run), list(written), network.shape)
    return {CARD: card.encode(), CONFIG: f"{as_json(texts)}\n".encode(), **written}


def check_name(repository: str) -> None:
    """Raises UserError where the Hub takes no such name, or the package for it is missing."""
    hub = _hub()
    try:
        hub.utils.validate_repo_id(repository)
        if "/" not in repository:
            raise hub.errors.HFValidationError("the owner is missing")
    except hub.errors.HFValidationError as error:
        raise UserError(
            f"'{repository}' is no name on the Hub: write OWNER/NAME, of letters, digits, '-', '_'"
            " and '.', at most 96 of them."
        ) from error


def push(repository: str, content: Mapping[str, bytes], public: bool, message: str) -> str:
    """Send the files in one commit and return its address.

    repository: OWNER/NAME; it is made where there is none, private unless `public`. Files of other
    names that are there already stay. Raises UserError without a token or a connection, where the
    Hub refuses, and where a private push would land in a repository that is public.
    """
    check_name(repository)
    hub = _hub()
    if hub.get_token() is None:
        raise UserError(
            "There is no token for the Hub: log in with `hf auth login`, or set HF_TOKEN to one"
            " that may write (https://huggingface.co/settings/tokens)."
        )
    api = hub.HfApi()
    with _explained(hub, api.endpoint):
        made = api.create_repo(repository, private=not public, exist_ok=True)
        if not public and not api.repo_info(repository).private:
            raise UserError(
                f"{repository} is there and public: add --public to push there, or choose another"
                " name."
            )
        api.create_commit(
            repository,
            [hub.CommitOperationAdd(name, data) for name, data in content.items()],
            commit_message=message,
        )
    return str(made)


def _card(run: Run) -> str:
    """The run's card."""
    try:
        return foreign.content(run.card).decode()
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{run.id} has no model card yet: let its training finish.") from None


def _hub() -> Any:
    try:
        hub = importlib.import_module("huggingface_hub")
        for part in ("errors", "utils"):
            importlib.import_module(f"huggingface_hub.{part}")
    except ImportError:
        raise UserError(
            'The Hub needs the package huggingface_hub: pip install "smd-studio[hub]" brings it.'
        ) from None
    return hub


@contextmanager
def _explained(hub: Any, endpoint: str) -> Iterator[None]:
    """What the Hub, or the way to it, answers, as one sentence."""
    errors = hub.errors
    try:
        yield
    except errors.OfflineModeIsEnabled:
        raise UserError("HF_HUB_OFFLINE is set: unset it to push.") from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        said = error.server_message or error.response.reason_phrase
        why = REFUSED.get(status, f"refuses with status {status} ({said}): try again later")
        raise UserError(f"{endpoint} {why}. Nothing was pushed.") from error
    except (errors.HTTPError, ConnectionError, TimeoutError) as error:
        raise UserError(
            f"{endpoint} cannot be reached: check the network, and push again."
        ) from error
