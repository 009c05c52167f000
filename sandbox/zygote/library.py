"""Sources of the standard library, in memory, for runs that have no file to read.

Importing everything that an allowed module may want some day would cost each
zygote megabytes: the codecs alone, four. So their sources stand in a memory file
of the server's making. The zygote fills it and maps it, read-only, before the jail
closes; the server then seals it. A run compiles what it wants, and finds the lines
of a traceback there.
"""

from __future__ import annotations

import linecache
import os
import sys

# What importlib.util and importlib.machinery are made of, without importing those.
from importlib._bootstrap import ModuleSpec
from importlib._bootstrap_external import decode_source, spec_from_file_location

HOME = os.path.dirname(os.__file__)  # of the standard library


class Library:
    """A finder and loader for sys.meta_path."""

    def __init__(self, kernel, mmap: int, fd: int) -> None:
        self._kernel, self._mmap, self._fd = kernel, mmap, fd
        self._places: dict[str, tuple[str, int, int]] = {}  # module -> file, offset, size
        self._size = 0
        self._text = memoryview(b"")

    def fill(self, names: list[str]) -> None:
        """Put in the modules of that name, those beneath ``x`` for ``x.*``, and those
        that are imported already, for their lines. Then close the file for good."""
        for name in names:
            if name.endswith(".*"):
                folder = os.path.join(HOME, *name[:-2].split("."))
                for file in sorted(os.listdir(folder)):
                    if file.endswith(".py") and file != "__init__.py":
                        self._add(name[:-1] + file[:-3], os.path.join(folder, file))
            else:
                self._add_named(name)
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if file.endswith(".py"):
                self._add(name, file)
        self._text = self._kernel.read_only_map(self._mmap, self._fd, self._size)
        os.close(self._fd)
        for name, (file, _, _) in self._places.items():
            linecache.cache[file] = (lambda name=name: self.get_source(name),)  # type: ignore[assignment]

    def _add_named(self, name: str) -> None:
        """A module or a package; one that this version does not have is left out."""
        file = os.path.join(HOME, *name.split("."))
        for file in (file + ".py", os.path.join(file, "__init__.py")):
            if os.path.exists(file):
                self._add(name, file)

    def _add(self, name: str, file: str) -> None:
        if name in self._places:
            return
        with open(file, "rb", buffering=0) as source:
            text = source.read()
        if os.write(self._fd, text) != len(text):
            raise OSError("the library's file took only a part of " + file)
        self._places[name] = (file, self._size, len(text))
        self._size += len(text)

    def get_source(self, name: str) -> str:
        _, offset, size = self._places[name]
        return decode_source(self._text[offset : offset + size].tobytes())

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in self._places:
            return None
        file = self._places[name][0]
        folder = [os.path.dirname(file)] if file.endswith("__init__.py") else None
        return spec_from_file_location(name, file, loader=self, submodule_search_locations=folder)

    def create_module(self, spec: ModuleSpec) -> None:
        return None  # as usual

    def exec_module(self, module) -> None:
        name = module.__name__
        exec(compile(self.get_source(name), self._places[name][0], "exec", dont_inherit=True), module.__dict__)
