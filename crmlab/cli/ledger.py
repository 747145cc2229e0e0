"""``crmlab ledger``: every claim of the sources, how it is tested and what came out."""

import argparse


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "ledger",
        help="look up a claim of the sources: how it is tested, and what came out",
        description="Every claim of the five sources: what it means, which hypothesis tests it, how often "
        "the test errs and sees, how often the naive analysis confirms it where it is false, the evidence.",
    )
    parser.add_argument(
        "words", metavar="WORD", nargs="*", help="of a claim, its meaning or lesson; all if none"
    )
    parser.add_argument(
        "--build", action="store_true", help="compute the numbers that are not up to date first"
    )
    parser.add_argument("--only", metavar="LESSONS", help="of these lessons, as 09,11")
    parser.add_argument("--sims", type=int, default=1000, metavar="N", help="a world (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--jobs", type=int, default=-1, metavar="N", help="processes (default: all cores)")
    parser.add_argument("--fresh", action="store_true", help="with --build: compute everything again")
    parser.set_defaults(command=ledger_command)


def ledger_command(chosen: argparse.Namespace) -> int:
    """Build if asked, then print what matches."""
    from crmlab.claims.ledger import claims, hypotheses_by_lesson, is_current, table
    from crmlab.claims.telling import counted, matching, told
    from crmlab.words import words

    only = chosen.only.split(",") if chosen.only else None
    if chosen.build:
        _build(chosen, only)
    found = matching(table(), chosen.words, only)
    if found.empty:
        print(words("claims.none_found", words=" ".join(chosen.words)))
        return 1
    if not chosen.build or chosen.words:
        print("\n\n".join(told(found)))
    print("\n" + counted(claims()))
    old = [lesson for lesson in hypotheses_by_lesson() if not is_current(lesson, chosen.sims, chosen.seed)]
    if old:
        print(words("claims.older", lessons=", ".join(old)))
    return 0


def _build(chosen: argparse.Namespace, only: list[str] | None) -> None:
    from crmlab.claims.ledger import build, written
    from crmlab.words import words

    done = build(only, sims=chosen.sims, seed=chosen.seed, jobs=chosen.jobs, fresh=chosen.fresh)
    print(words("claims.wrote", path=written(), lessons=", ".join(done) or words("claims.nothing")))
