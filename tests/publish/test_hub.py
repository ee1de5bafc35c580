"""A push lists, asks and sends what it says, to a Hub on this machine."""

import json
import sys

import pytest
import stub_hub
import torch
from safetensors.torch import load, load_file

from smd.__main__ import main
from smd.errors import UserError
from smd.publish import hub
from smd.publish.hub_card import hub_card

TOKEN = "hf_secret"


@pytest.fixture
def online(monkeypatch, tmp_path):
    """The stub, with a token for it."""
    constants = pytest.importorskip("huggingface_hub.constants")
    with stub_hub.serving() as stub:
        monkeypatch.setattr(constants, "ENDPOINT", stub.address)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield stub


def push(*words):
    """The exit status of `smd push last me/net ...`."""
    return main(["push", "last", "me/net", *words])


def test_a_push_sends_card_weights_and_facts_privately(online, finished, capsys):
    newest = finished[1]
    assert push("--yes", "--with", "pt2") == 0
    assert online.private == {"me/net": True}
    assert online.tokens - {None} == {f"Bearer {TOKEN}"}
    assert set(online.files) == {"README.md", "config.json", "model.safetensors", "model.pt2"}
    sent, own = load(online.files["model.safetensors"]), load_file(newest.weights)
    assert sent.keys() == own.keys()
    assert all(torch.equal(sent[name], own[name]) for name in own)
    card = online.files["README.md"].decode()
    assert card.startswith("---\npipeline_tag: image-classification\n")
    assert newest.card.read_text().strip() in card
    assert "torch.export.load" in card
    facts = json.loads(online.files["config.json"])
    assert (facts["run"], facts["shape"], len(facts["classes"])) == (newest.id, [1, 8, 8], 10)
    said = capsys.readouterr()
    assert f"{online.address}/me/net" in said.out
    assert "model.pt2" in said.out
    assert TOKEN not in said.out + said.err
    assert not any(str(newest.folder).encode() in content for content in online.files.values())


def test_nothing_is_sent_unasked(online, finished, capsys, monkeypatch):
    assert push("--dry-run") == 0
    assert "To me/net, private:\n  README.md" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert push() == 1
    assert "add --yes" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "")
    assert push() == 0
    assert "Nothing was pushed." in capsys.readouterr().out
    assert online.asked == []


def test_a_private_push_into_a_public_repository_is_refused(online, finished, capsys):
    online.private["me/net"] = False
    assert push("--yes") == 1
    assert "is there and public: add --public" in capsys.readouterr().err
    assert online.files == {}
    assert push("--yes", "--public") == 0
    assert online.files


@pytest.mark.parametrize(
    "status, sentence",
    [(401, "log in anew"), (403, "choose another OWNER"), (404, "OWNER/NAME"), (418, "status 418")],
)
def test_what_the_hub_refuses_is_one_sentence(online, status, sentence):
    online.refusal = status
    with pytest.raises(UserError, match=sentence) as told:
        hub.push("me/net", {"README.md": b""}, False, "")
    assert "Nothing was pushed." in str(told.value)
    assert TOKEN not in str(told.value)


def test_without_a_token_it_says_how_to_get_one(online, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match="hf auth login"):
        hub.push("me/net", {"README.md": b""}, False, "")
    assert online.asked == []


def test_without_a_network_it_says_so(online, monkeypatch):
    from huggingface_hub import constants

    with stub_hub.serving() as gone:
        pass
    monkeypatch.setattr(constants, "ENDPOINT", gone.address)
    with pytest.raises(UserError, match=f"{gone.address} cannot be reached"):
        hub.push("me/net", {"README.md": b""}, False, "")


@pytest.mark.parametrize("name", ["net", "me/net/more", "me/a b", "me/-net", "", "../net"])
def test_a_name_that_the_hub_does_not_take_is_refused_before(online, name):
    with pytest.raises(UserError, match="OWNER/NAME"):
        hub.push(name, {}, False, "")
    assert online.asked == []


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r'pip install "smd-studio\[hub\]"'):
        hub.check_name("me/net")


def test_a_card_with_a_head_of_its_own_keeps_it():
    card = hub_card("---\nlicense: mit\n---\n# Net\n", ["model.onnx"], (3, 32, 32))
    assert card.startswith("---\nlicense: mit\n---\n# Net\n")
    assert card.count("---\n") == 2
    assert "3 x 32 x 32" in card
