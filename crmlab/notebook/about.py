"""What a lesson's metadata must tell, for its readers and for those who teach it."""

from collections.abc import Iterator

from crmlab import places
from crmlab.notebook.source import Source

LONGEST = {"claim": 250, "finding": 300, "trap": 40}  # characters
QUESTIONS = 2  # at least


def missing(source: Source) -> Iterator[str]:
    """What the metadata of a lesson lack or say otherwise than asked, in a sentence each.

    ``title``, ``claim``, ``finding`` and ``trap`` are texts: what is taught, what is said, what came out, and
    what misleads. ``minutes`` is how long it takes, ``builds_on`` the numbers of the lessons that it needs,
    ``questions`` what one may ask in class.
    """
    for name in ("title", "claim", "finding", "trap"):
        text = source.metadata.get(name, "")
        if not isinstance(text, str) or not text.strip():
            yield f"the notebook's metadata lack crmlab.{name}"
        elif len(text) > LONGEST.get(name, len(text)):
            yield f"crmlab.{name} has {len(text)} characters; at most {LONGEST[name]} are asked"
    if not isinstance(source.minutes, int) or source.minutes <= 0:
        yield "the notebook's metadata lack crmlab.minutes, a whole number of minutes to work it through"
    yield from _missing_lists(source)


def _missing_lists(source: Source) -> Iterator[str]:
    """The same for the lists among them."""
    known = {lesson.number for lesson in places.lessons()} - {source.lesson.number}
    needed = source.metadata.get("builds_on")
    if not isinstance(needed, list):
        yield 'the notebook\'s metadata lack crmlab.builds_on, a list of lessons as ["00"]; it may be empty'
    else:
        for number in needed:
            if number not in known:
                yield f"crmlab.builds_on names {number!r}, which is no other lesson"
    for name, least in (("questions", QUESTIONS), ("skip", 0)):
        texts = source.metadata.get(name, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
            yield f"crmlab.{name} must be a list of sentences"
        elif len(texts) < least:
            yield f"crmlab.{name} has {len(texts)} entries; name at least {least} that one may ask in class"
