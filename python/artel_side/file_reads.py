"""What a DAG file reads while it is parsed: when it changes, the file has to be parsed again."""

from __future__ import annotations

import os
import sys


class FileReads:
    """Files that are opened and folders that are listed inside the given folders, from now on. One per process: Python
    has no way to take an audit hook back."""

    def __init__(self, path: str, folders: list[str]) -> None:
        self.itself = os.path.realpath(path)
        self.root = os.path.realpath(folders[0])
        self.inside = tuple(os.path.realpath(folder) + os.sep for folder in folders)
        self.files: set[str] = set()
        self.folders: set[str] = set()
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple) -> None:
        if event == "open":
            self.add(arguments[0], self.files)
        elif event in ("os.listdir", "os.scandir") and not by_import_system():
            self.add(arguments[0], self.folders)

    def add(self, place: object, to: set[str]) -> None:
        if isinstance(place, (str, bytes, os.PathLike)):
            place = os.fsdecode(place)
            if not place.endswith(".pyc"):
                to.add(os.path.abspath(place))
        elif place is None:
            to.add(os.getcwd())

    def found(self, imported: set[str]) -> list[str]:
        """Paths seen from the bundle, absolute ones for what lies in another folder; folders end with a slash."""
        files = {os.path.realpath(file) for file in self.files | imported} - {self.itself}
        folders = {os.path.realpath(folder) for folder in self.folders}
        named = [self.shown(file) for file in files if file.startswith(self.inside) and os.path.isfile(file)]
        named += [self.shown(folder) + "/" for folder in folders if (folder + os.sep).startswith(self.inside)]
        return sorted(named)

    def shown(self, path: str) -> str:
        inside = path == self.root or path.startswith(self.root + os.sep)
        return os.path.relpath(path, self.root) if inside else path


def by_import_system() -> bool:
    """Does the import system look for a module? What it finds is known by the module."""
    caller = sys._getframe(2)
    return caller.f_code.co_filename.startswith("<frozen importlib")


def of_modules(known: set[str]) -> set[str]:
    """Files of the modules that were imported since ``known``."""
    files = (getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - known)
    return {file for file in files if file}
