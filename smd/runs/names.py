"""What runs are called: the name that a person gave, told from the names of others; links and files
go by ids."""

from collections import Counter
from collections.abc import Iterable, Mapping

from smd.runs import notes
from smd.runs.folders import Run


def shown(runs: Iterable[Run]) -> dict[str, str]:
    """What these runs are called in a table, by their ids: a name where they have one, else the
    id."""
    return distinct({run.id: (notes.read(run).name, run.id) for run in runs})


def distinct(names: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """What each is called, by id, no two alike; names: the given name ("": none) and what stands in
    its place, which is another for every id.

    Behind a name that another has, too, stands the end of the id.
    """
    called = {i: given or own for i, (given, own) in names.items()}
    for ending in ({i: i[-4:] for i in names}, {i: i for i in names}):
        often = Counter(called.values())
        called |= {
            i: f"{given} ({ending[i]})"
            for i, (given, _) in names.items()
            if given and often[called[i]] > 1
        }
    often = Counter(called.values())
    # somebody has given a name that looks like one of these
    return {i: name if often[name] == 1 else names[i][1] for i, name in called.items()}
