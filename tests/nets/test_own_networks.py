"""Networks of the user's own files: built in jobs, listed as text, refused in one sentence."""

import pytest
import torch

from smd import nets, registry
from smd.errors import UserError
from smd.nets import own

GOOD = """
from torch import nn

def build(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], 6), nn.ReLU(),
                         nn.Linear(6, classes))

def _hidden(other, names):
    return 1

CONSTANT = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_NETS", str(tmp_path / "nets"))
    (tmp_path / "nets").mkdir()
    return tmp_path / "nets"


def written(folder, text, name="mine.py"):
    (folder / name).write_text(text)
    return f"{name}:build"


def test_an_own_network_is_built_with_features(folder):
    name = written(folder, GOOD)
    model = nets.build(name, (1, 8, 8), 3).eval()
    x = torch.rand(2, 1, 8, 8)
    assert model(x).shape == (2, 3)
    assert model.features(x).shape == (2, 6)
    assert torch.equal(model.head(model.features(x)), model(x))


def test_its_own_features_are_taken_where_it_has_some(folder):
    name = written(
        folder,
        "from torch import nn\nclass Net(nn.Module):\n"
        "    def __init__(self, k):\n        super().__init__()\n"
        "        self.last = nn.Linear(64, k)\n"
        "    def features(self, x):\n        return x.flatten(1)[:, :5]\n"
        "    def forward(self, x):\n        return self.last(x.flatten(1))\n"
        "def build(shape, classes):\n    return Net(classes)\n",
    )
    assert nets.build(name, (1, 8, 8), 3).features(torch.rand(2, 1, 8, 8)).shape == (2, 5)


def test_an_own_file_may_import_its_neighbour(folder):
    written(folder, "SIZE = 5\n", "neighbour_of_mine.py")
    name = written(folder, "import neighbour_of_mine\n" + GOOD)
    before = own.digest(name)
    nets.build(name, (1, 8, 8), 3)
    assert own.digest(name) != before  # the neighbour is a part of it
    written(folder, "SIZE = 6\n", "neighbour_of_mine.py")
    assert len(own.digest(name)) == 64


BAD = {
    "syntax": ("def build(shape, classes:\n", r"is no Python that can be read: .* line 1"),
    "import": ("import no_such_thing\n" + GOOD, r"cannot be imported: .*no_such_thing.* line 1 of"),
    "exit": (GOOD + "\nraise SystemExit(3)\n", r"cannot be imported: SystemExit: 3"),
    "raises": (
        "def build(shape, classes):\n    return 1 / 0\n",
        r"build raised: ZeroDivisionError.* It is line 2 of",
    ),
    "signature": ("def build(shape):\n    return 1\n", r"not called as build\(shape, classes\)"),
    "nothing": ("def build(shape, classes):\n    pass\n", r"returns NoneType: it must return a"),
    "no function": ("build = 3\n", r"is no function: write def build"),
    "another": ("def other(shape, classes):\n    pass\n", r"no function 'build': it has other"),
    "forward": (
        "from torch import nn\ndef build(shape, classes):\n    return nn.Linear(5, classes)\n",
        r"does not fit images of 1x8x8 and 3 classes: .* Change ",
    ),
    "classes": (GOOD.replace(", classes))", ", 9))"), "answers with 9 classes, there are 3"),
    "no logits": (
        "from torch import nn\ndef build(shape, classes):\n    return nn.Conv2d(1, 2, 1)\n",
        r"answers 2 images with \(2, 2, 8, 8\) instead of logits",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_one_clear_sentence(folder, kind):
    text, sentence = BAD[kind]
    name = written(folder, text)
    with pytest.raises(UserError, match=sentence) as caught:
        nets.build(name, (1, 8, 8), 3)
    assert "\n" not in str(caught.value)


def test_pretrained_is_handed_on_or_refused(folder):
    with pytest.raises(UserError, match="has no pretrained weights: write def build"):
        nets.build(written(folder, GOOD), (1, 8, 8), 3, pretrained=True)
    asked = GOOD.replace("classes):", "classes, pretrained=False):\n    assert pretrained", 1)
    nets.build(written(folder, asked), (1, 8, 8), 3, pretrained=True)


@pytest.mark.parametrize(
    "name", ["../x.py:f", "/etc/x.py:f", "mine.py:", "a/b.py:f", "mine.py:build:x", "..py:f"]
)
def test_names_that_lead_elsewhere_are_no_networks(folder, name):
    (folder.parent / "x.py").write_text(GOOD.replace("build", "f"))
    with pytest.raises(UserError, match="There is no network"):
        nets.build(name, (1, 8, 8), 3)
    with pytest.raises(UserError, match=r"is no FILE\.py:FUNCTION"):
        own.from_file(name, (1, 8, 8), 3)


def test_links_and_files_that_anybody_may_write_are_not_run(folder):
    (folder.parent / "elsewhere.py").write_text(GOOD)
    (folder / "link.py").symlink_to(folder.parent / "elsewhere.py")
    with pytest.raises(UserError, match="is a link"):
        nets.build("link.py:build", (1, 8, 8), 3)
    name = written(folder, GOOD + "# open\n")
    (folder / "mine.py").chmod(0o666)
    with pytest.raises(UserError, match="Anybody may write"):
        nets.build(name, (1, 8, 8), 3)


def test_listing_reads_and_never_imports(folder):
    trap = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
    written(folder, trap + GOOD)
    written(folder, "def broken(:\n", "broken.py")
    written(folder, GOOD, "no-name.py")
    assert registry.own_networks() == ["mine.py:build"]
    (sentence,) = registry.own_problems()
    assert "broken.py is no Python" in sentence
    assert registry.problem_of_network("mine.py:build") == ""
    assert "no function 'built'" in registry.problem_of_network("mine.py:built")
    assert "There is no file" in registry.problem_of_network("absent.py:build")
    assert not (folder / "ran").exists()


def test_a_huge_file_is_left_alone(folder):
    written(folder, "#" * (2**20 + 1))
    assert registry.own_networks() == []
    assert "is larger than the 1 MB" in registry.own_problems()[0]


def test_without_a_folder_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_NETS", str(tmp_path / "none"))
    assert registry.own_networks() == []
    assert registry.own_problems() == []


def test_processes_of_ours_see_the_folder(folder, monkeypatch):
    from smd import children

    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("SMD_NETS", "nets")
    assert children.environment()["SMD_NETS"] == str(folder)
