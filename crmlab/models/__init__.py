"""Estimators that the ecosystem lacks or gets wrong."""
