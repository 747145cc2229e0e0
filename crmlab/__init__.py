"""crmlab: learn, teach and research customer relationship management on markets whose truth is known."""

__version__ = "0.1.0"
