"""A parameter's range holds in the notebook, too, and bad input is one card there."""

import asyncio

import nbclient
import nbformat
import pytest

from crmlab.errors import InputError
from crmlab.notebook import check_parameters

from .conftest import PARAMETERS, code


def run(home, *cells):
    """The tracebacks that cells show; all of them are run."""
    home.simple("09_loyalty")
    notebook = nbformat.v4.new_notebook(cells=[code(f"cell-{at}", each) for at, each in enumerate(cells)])
    asyncio.run(nbclient.NotebookClient(notebook, allow_errors=True).async_execute())
    return [
        "\n".join(output.traceback)
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "error"
    ]


CHECK = "from crmlab.notebook import check_parameters\ncheck_parameters('09')"


def test_a_value_out_of_range_is_refused_by_the_words_of_the_cell(home):
    (card,) = run(home, PARAMETERS.replace("n_customers = 100", "n_customers = 3"), CHECK)
    assert "parameter n_customers is 3, outside its range 50 to 20000" in card
    assert "line 2 of this cell: check_parameters('09')" in card
    assert "Traceback" not in card and len(card.splitlines()) == 4


def test_from_then_on_it_is_refused_as_soon_as_it_is_typed(home):
    cards = run(
        home, PARAMETERS, CHECK, "n_customers = 3", "n_customers", "n_customers = 60", "1 / n_customers"
    )
    (card,) = cards
    assert "outside its range 50 to 20000" in card
    cards = run(home, PARAMETERS, CHECK, "n_customers = 3", "assert n_customers == 100")
    assert len(cards) == 1, "a refused cell has not run"


def test_outside_a_notebook_the_names_given_are_checked(home):
    home.simple("09_loyalty")
    check_parameters("09", {"n_customers": 100, "other": "x"})
    with pytest.raises(InputError, match="n_customers is 3, outside its range 50 to 20000"):
        check_parameters("09", {"n_customers": 3})
    with pytest.raises(InputError, match="no lesson '77'"):
        check_parameters("77")
