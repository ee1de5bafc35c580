"""Which runs Attacks offers: those on the images of the run in the sidebar."""

from types import SimpleNamespace

from app.selection import runs as several


def run(name, data="folder", path="a.zip"):
    return SimpleNamespace(id=name, config=SimpleNamespace(data=data, data_path=path))


def test_runs_on_the_same_images_are_offered_and_the_one_in_the_sidebar_is_among_them():
    other, digits = run("other", path="b.zip"), run("digits", "digits", "")
    same = [run(f"r{k}") for k in range(9)]
    ready = {each.id: each for each in (other, digits, *same)}  # the newest first
    assert several.alike(ready, same[8]) == ["r0", "r1", "r2", "r3", "r4", "r8"]
    assert several.alike(ready, same[0]) == ["r0", "r1", "r2", "r3", "r4", "r5"]
    assert several.alike(ready, digits) == ["digits"]
    assert several.alike(ready, run("unfinished")) == ["other"]
