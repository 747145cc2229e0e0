"""How many threads may compute at once."""

from functools import cache


@cache
def available_cores() -> int:
    """Cores that this process may use: fewer than the machine's where a container or an affinity says so."""
    from joblib import cpu_count  # takes a fifth of a second to import

    return cpu_count()
