"""Governed exports from a data platform on AWS.

People declare each export in one small YAML file; from those files this package checks, explains, deploys,
delivers and answers. The folders follow the data's way: ``estate`` (what is declared), ``destinations`` (where it
goes), ``access`` (what that grants), ``stacks`` (what makes it so), ``deploy`` (carry it out), ``mover`` (deliver),
``contract`` (what the mover and the rest agree on), ``operate`` (answer), ``views`` (answers as text and JSON),
``local`` (all of it on a laptop), ``cli`` (the ``exports`` command).

From Python: ``data_exports.open_estate(folder)``, documented in docs/python.md. It is looked up when it is asked for,
so that importing this package, as the mover's function does, costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_exports.api import OpenEstate, open_estate

__version__ = "0.1.0"
__all__ = ["OpenEstate", "__version__", "open_estate"]


def __getattr__(name: str) -> Any:
    if name not in ("OpenEstate", "open_estate"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from data_exports import api

    return getattr(api, name)
