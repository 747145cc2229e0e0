"""Small exports, written as their systems write them."""

import zipfile

import pytest

ACCOUNTS = """Record Id,Account Owner,Account Name,Phone,Account Type
zcrm_1,Ann,Acme,123,Customer
zcrm_2,Ann,Beta,,Customer
"""
DEALS = """Record Id,Deal Name,Account Name,Account Name.id,Stage,Closing Date,Amount
zcrm_10,first,Acme,zcrm_1,Closed Won,2024-01-13,"$1,200.50"
zcrm_11,second,Beta,zcrm_2,Closed Lost,2024-02-05,$3.00

zcrm_12,third,Beta,zcrm_2,Closed Won,2024-02-05,$3.00
zcrm_13,fourth,Beta,zcrm_2,Negotiation,2024-03-05,$9.00
"""


@pytest.fixture
def files():
    """A Zoho export as texts, by file; tests change it."""
    return {"Accounts.csv": ACCOUNTS, "Deals.csv": DEALS}


@pytest.fixture
def folder(tmp_path):
    """Write files into a folder: texts in UTF-8, bytes as they are."""

    def folder(files, name="export"):
        place = tmp_path / name
        place.mkdir(exist_ok=True)
        for file, content in files.items():
            data = content if isinstance(content, bytes) else content.encode("utf-8")
            (place / file).write_bytes(data)
        return place

    return folder


@pytest.fixture
def archive(tmp_path):
    """Write files into a ZIP."""

    def archive(files, name="export.zip"):
        place = tmp_path / name
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as out:
            for file, content in files.items():
                out.writestr(file, content)
        return place

    return archive
