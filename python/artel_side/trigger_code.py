"""Where the classes of triggers come from."""

from __future__ import annotations

import importlib
import sys


class Code:
    """Classes of triggers, by their class path and the folder of DAG files that they belong to.

    Two versions of a bundle may have different modules of the same name: what is imported from a folder is known under its
    name only while something of that folder is being imported.
    """

    def __init__(self) -> None:
        self.classes: dict[tuple[str | None, str], type] = {}
        self.modules: dict[str, dict] = {}

    def class_of(self, classpath: str, folder: str | None) -> type:
        if (folder, classpath) not in self.classes:
            self.classes[folder, classpath] = self.imported(classpath, folder)
        return self.classes[folder, classpath]

    def imported(self, classpath: str, folder: str | None) -> type:
        from airflow.sdk._shared.module_loading import import_string

        if folder is None:
            return import_string(classpath)
        sys.path.insert(0, folder)
        sys.modules.update(self.modules.get(folder, {}))
        importlib.invalidate_caches()
        try:
            return import_string(classpath)
        finally:
            sys.path.remove(folder)
            own = {name: module for name, module in sys.modules.items() if is_below(module, folder)}
            self.modules[folder] = own
            for name in own:
                del sys.modules[name]


def is_below(module, folder: str) -> bool:
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
    return file.startswith(folder.rstrip("/") + "/")
