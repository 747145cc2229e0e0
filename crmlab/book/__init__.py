"""The book: every lesson executed, and pages of all of them that are read without a server or a network."""

from crmlab.book.building import build

__all__ = ["build"]
