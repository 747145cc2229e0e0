"""The index's model is that of its data: every question belongs to one construct."""

from crmlab.data import ecsi, load_mobi


def test_every_question_of_the_data_measures_one_construct(real_data):
    items = [item for block in ecsi.ITEMS.values() for item in block]
    assert sorted(items) == sorted(load_mobi()) and len(items) == 24


def test_the_paths_join_constructs_and_lead_nowhere_back():
    order = ["image", "expectations", "quality", "value", "satisfaction", "complaints", "loyalty"]
    assert len(set(ecsi.PATHS)) == 12 and set(order) == set(ecsi.ITEMS)
    assert all(order.index(source) < order.index(target) for source, target in ecsi.PATHS)
