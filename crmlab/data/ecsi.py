"""The European customer satisfaction index: which questions measure what, and what leads to what.

The model of `crmlab.data.load_mobi`, as Tenenhaus, Esposito Vinzi, Chatelin & Lauro (2005,
doi:10.1016/j.csda.2004.03.005) give it.
"""

_STEMS = {
    "image": ("IMAG", 5),
    "expectations": ("CUEX", 3),
    "quality": ("PERQ", 7),
    "value": ("PERV", 2),
    "satisfaction": ("CUSA", 3),
    "loyalty": ("CUSL", 3),
}
ITEMS: dict[str, list[str]] = {
    name: [f"{stem}{number}" for number in range(1, items + 1)] for name, (stem, items) in _STEMS.items()
} | {"complaints": ["CUSCO"]}

PATHS: list[tuple[str, str]] = [
    ("image", "expectations"),
    ("expectations", "quality"),
    ("expectations", "value"),
    ("quality", "value"),
    ("image", "satisfaction"),
    ("expectations", "satisfaction"),
    ("quality", "satisfaction"),
    ("value", "satisfaction"),
    ("satisfaction", "complaints"),
    ("image", "loyalty"),
    ("satisfaction", "loyalty"),
    ("complaints", "loyalty"),
]
