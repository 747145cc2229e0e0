"""Jupyter's file format, imported without a second's delay (see `zygote.quick_import`)."""

from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

__all__ = ["nbformat"]
