"""What a report says: a key of the words and the facts in it, looked up when someone reads it.

So a report is the same whatever language its readers have, and a better wording regrades nothing.
"""

from typing import Any

from crmlab.words import words

Said = dict[str, Any]  # {"key": "grading.error", "facts": {"type": "KeyError", "line": 3}}


def said(key: str, /, **facts: Any) -> Said:
    """Something to say: `key` of the words with its `facts`: plain data, or said itself.

    Examples
    --------
    >>> spoken(said("grading.todo"))
    'Nothing was filled in.'
    """
    return {"key": key, "facts": facts}


def spoken(told: Any) -> str:
    """The sentence for what was `said`; a text, which quotes someone, stays as it is."""
    if not isinstance(told, dict):
        return "" if told is None else str(told)
    facts = {
        name: spoken(fact) if isinstance(fact, dict) else fact for name, fact in told.get("facts", {}).items()
    }
    key = str(told.get("key", ""))
    try:
        return words(key, **facts)
    except (KeyError, ValueError, TypeError):  # of a report that another version wrote
        return " ".join([key.rpartition(".")[2].replace("_", " "), *map(str, facts.values())])
