"""``crmlab data``: real data that some lessons use, listed and downloaded."""

import argparse
import sys


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "data",
        help="list and download real data that lessons use",
        description="Some lessons end on real data. Most come with crmlab or a package; a few are downloaded "
        "once, from an address that names one version for good, and checked by their SHA-256. No lesson "
        "downloads by itself.",
    )
    parser.set_defaults(command=list_command)
    actions = parser.add_subparsers(metavar="ACTION")
    listed = actions.add_parser("list", help="the data sets, and which are here (default)")
    listed.set_defaults(command=list_command)
    get = actions.add_parser("get", help="download data sets")
    get.add_argument("names", nargs="*", metavar="NAME", help="as crmlab data list shows them")
    get.add_argument("--all", action="store_true", help="all that can be downloaded")
    get.set_defaults(command=get_command)


def list_command(_chosen: argparse.Namespace) -> int:
    from crmlab.data import how_to_get, is_available
    from crmlab.data.cards import cards
    from crmlab.data.locating import folder
    from crmlab.words import words

    wide = max(map(len, cards())) + 1
    for name, card in cards().items():
        here = is_available(name)
        print(f"{name:{wide}}{words('data.here') if here else words('data.not_here'):10}{card.about}")
        if not here:
            print(f"{'':{wide + 10}}{how_to_get(name)}")
    print(words("data.folder", folder=folder()))
    return 0


def get_command(chosen: argparse.Namespace) -> int:
    from crmlab.data import how_to_get, is_available
    from crmlab.data.cards import card, cards
    from crmlab.data.downloads import fetch
    from crmlab.errors import InputError
    from crmlab.words import words

    if bool(chosen.names) == chosen.all:
        raise InputError("say which data sets to get, or --all")
    every = [one.name for one in cards().values() if one.kind == "download"]
    for one in [card(name) for name in (every if chosen.all else chosen.names)]:
        if one.kind == "download":
            path = fetch(one.name, progressbar=sys.stderr.isatty())
            print(words("data.fetched", name=one.name, path=path, licence=one.licence))
        elif not is_available(one.name):
            print(how_to_get(one.name))
        elif one.kind == "packaged":
            print(words("data.here_by_package", name=one.name, package=one.package))
        else:
            print(words("data.here_by_crmlab", name=one.name))
    return 0
