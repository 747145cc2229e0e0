"""One module a theory. Each exports ``design``."""
