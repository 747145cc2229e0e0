"""The market game: teams run the same firm, and in the end the truth is shown.

One folder holds a game; its rounds are files in it (`crmlab.game.folder`)::

    from crmlab import game

    game.new("spring", teams="teams.csv", seed=1)
    game.play("spring")  # reads every team's decisions.csv, lets four months pass, writes everybody's page
    game.status("spring")
    game.reveal("spring")  # replays: what each decision did, and what was luck

Each team's firm is the company of `crmlab.company` with the same customers and the same luck. A decision is
plain data, a round depends on the decisions and the stored states alone, and a state holds no generator.
"""

from crmlab.game.making import new
from crmlab.game.playing import play, status
from crmlab.game.revealing import reveal

__all__ = ["new", "play", "reveal", "status"]
