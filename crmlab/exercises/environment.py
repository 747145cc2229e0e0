"""What runs the exercises here: which Python, with which packages."""

import importlib.metadata
import re
import sys
from functools import cache

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def python() -> str:
    """``"3.11"``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def packages() -> tuple[str, ...]:
    """Names of the packages that crmlab asks for: those that students may count on."""
    try:
        asked = importlib.metadata.requires("crmlab") or []
    except importlib.metadata.PackageNotFoundError:
        return ()
    return tuple(sorted(_NAME.match(each)[0] for each in asked if "extra ==" not in each))


@cache
def _modules():
    """Names of all modules of those packages and of what they need."""
    modules = importlib.metadata.packages_distributions()
    closed, open_ = set(), list(packages())
    while open_:
        name = re.sub(r"[-_.]+", "-", open_.pop()).lower()
        if name not in closed:
            closed.add(name)
            try:
                needed = importlib.metadata.requires(name) or []
            except importlib.metadata.PackageNotFoundError:
                continue
            open_ += [_NAME.match(each)[0] for each in needed if "extra ==" not in each]
    return {
        module
        for module, names in modules.items()
        if any(re.sub(r"[-_.]+", "-", name).lower() in closed for name in names)
    }


def is_provided(module: str) -> bool:
    """Whether a module is there wherever crmlab is: Python's own, crmlab's, or of a package that it needs."""
    name = module.partition(".")[0]
    return name in sys.stdlib_module_names or name == "crmlab" or name in _modules()


def is_newer(version: str) -> bool:
    """Whether a notebook was saved by a newer Python than this one."""
    match = re.match(r"(\d+)\.(\d+)", version)
    return bool(match) and (int(match[1]), int(match[2])) > sys.version_info[:2]
