"""The cases by group. A group names its files of DAGs, the DAGs that are waited for and those of them that run."""

import importlib
import pathlib
import shutil

HERE = pathlib.Path(__file__).resolve().parent
GROUPS = tuple(sorted(file.stem for file in HERE.glob("*.py") if not file.stem.startswith("_")))


def all_groups():
    return [(name, importlib.import_module(f"cases.{name}")) for name in GROUPS]


def copy_files(group, dags: pathlib.Path) -> None:
    dags.mkdir(parents=True, exist_ok=True)
    for file in group.FILES:
        shutil.copy(HERE.parents[1] / file, dags)
