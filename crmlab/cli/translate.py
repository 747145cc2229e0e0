"""``crmlab translate``: catalogues of an edition in another language."""

import argparse


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "translate",
        help="bring the catalogues of a language up to date",
        description="Extract the words of the code, lessons' prose and what lessons show into gettext "
        "catalogues (crmlab/words/locales/LANGUAGE/*.po) for translators. What was translated stays; what "
        "changed in English is marked fuzzy. Shown in English until it is translated.",
    )
    parser.add_argument("language", metavar="LANGUAGE", help="as zh_CN")
    parser.add_argument("--only", metavar="LESSONS", help="these lessons only, as 00,09 (default: all)")
    parser.set_defaults(command=translate_command)


def translate_command(chosen: argparse.Namespace) -> int:
    """Update the catalogues and say how far they are."""
    from crmlab import places
    from crmlab.book.translation import update
    from crmlab.notebook.source import read
    from crmlab.words import words
    from crmlab.words.layout import lines

    names = None if chosen.only is None else [name for name in chosen.only.split(",") if name.strip()]
    lessons = places.lessons() if names is None else [places.lesson(name) for name in names]
    done = update(chosen.language, [read(lesson) for lesson in lessons])
    head = [words(f"translate.{name}") for name in ("catalogue", "messages", "translated", "fuzzy")]
    rows = [[each.domain, str(each.messages), str(each.translated), str(each.fuzzy)] for each in done]
    print("\n".join(lines([head, *rows])))
    return 0
