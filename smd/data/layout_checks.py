"""What is wrong with the folders of a set of images: each check raises UserError, or is silent.

Paths are tuples of their parts; images are those of files that are images, seen those of all files
and folders. where: what a message calls the set.
"""

from smd.data import names, roles
from smd.data.file_kinds import ARRAY, SPLIT_NAMES, Parts, is_array, shown, split_of
from smd.data.split import TRAIN
from smd.errors import UserError


def check_arrays(images: list[Parts], where: str) -> None:
    """Arrays of many images with their labels in another file are read from one .npz only."""
    loose = [
        parts[-1]
        for parts in images
        if is_array(parts[-1]) and roles.has_role(parts[-1][: -len(ARRAY)])
    ]
    if loose and len(loose) == len(images) and len({parts[:-1] for parts in images}) == 1:
        pairs = ", ".join(f"{name[: -len(ARRAY)]}=..." for name in sorted(set(loose))[:4])
        raise UserError(
            f"{where} holds arrays with their labels in other files, such as"
            f" '{names.visible(loose[0])}': save them in one file, numpy.savez('own.npz',"
            f" {names.visible(pairs)}), and give the path of that."
        )


def check_splits(seen: list[Parts], images: list[Parts], top: int, where: str) -> None:
    """A split that holds no images is never taken for one that is not there: another one would be
    drawn instead."""
    for depth in range(top + 1):
        filled = {parts[: depth + 1] for parts in images}
        for parts in seen:
            if (
                len(parts) > depth + 1
                and split_of(parts[depth]) is not None
                and parts[: depth + 1] not in filled
            ):
                raise _empty(parts[: depth + 1], seen, where)


def _empty(folder: Parts, seen: list[Parts], where: str) -> UserError:
    files = ["/".join(parts) for parts in seen if parts[: len(folder)] == folder and parts[-1]]
    but = f" but {names.types(files)}" if files else ""
    return UserError(f"'{shown(folder)}' in {where} holds no images{but}: fill or remove it.")


def has_splits(images: list[Parts], at: int, where: str) -> bool:
    """Whether the folders at depth `at` are splits; UserError where only some of them are."""
    folders = {parts[at]: split_of(parts[at]) for parts in images if len(parts) > at + 1}
    stray = sorted(name for name, split in folders.items() if split is None)
    train = [name for name, split in folders.items() if split == TRAIN]
    if stray or not folders:
        if train:
            raise UserError(
                f"'{names.visible(stray[0])}' in {where} stands beside '{names.visible(train[0])}':"
                f" use {SPLIT_NAMES}, or classes, only."
            )
        return False
    if not train:
        raise UserError(
            f"There is no 'train' folder beside '{names.visible(min(folders))}' in {where}: add"
            " one."
        )
    return True


def check_depth(parts: Parts, depth: int, where: str) -> None:
    """Every image lies in a class folder, and no split below one."""
    if len(parts) < depth + 2:
        raise UserError(
            f"'{shown(parts)}' in {where} does not lie in a class folder: move it into one."
        )
    below = parts[depth + 1 : -1]
    if below and split_of(below[0]) is not None:
        raise UserError(
            f"'{shown(parts[: depth + 2])}' in {where} is a split within a class: "
            f"lay out {SPLIT_NAMES} first, with the classes in each."
        )


def check_folders(seen: list[Parts], images: list[Parts], depth: int, where: str) -> None:
    """Every class folder has images, and every split has every class."""
    splits = {parts[:depth] for parts in images}
    folders = {
        parts[: depth + 1] for parts in seen if len(parts) > depth + 1 and parts[:depth] in splits
    }
    filled = {parts[: depth + 1] for parts in images}
    if folders - filled:
        raise _empty(min(folders - filled), seen, where)
    classes = {names.visible(parts[depth]) for parts in images}
    for folder in sorted(splits):
        missing = classes - {
            names.visible(parts[depth]) for parts in filled if parts[:depth] == folder
        }
        if missing:
            raise UserError(
                f"'{shown(folder)}' in {where} has no folder '{min(missing)}': add it, with images."
            )


def classes(images: list[Parts], depth: int, where: str) -> list[str]:
    """The names of the classes, sorted; raises UserError if there is only one."""
    known = sorted({names.visible(parts[depth]) for parts in images})
    if len(known) == 1:
        raise UserError(
            f"There is only one class in {where}, '{known[0]}': add a folder of another one."
        )
    return known
