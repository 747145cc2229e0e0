"""Hostile and broken files: told by name, never followed, and no reason to leave the others."""

import io
import zipfile

import openpyxl
import pytest

from crmlab.data.exports import import_export, sources
from crmlab.errors import InputError


def whys(done):
    return " | ".join(map(str, done.problems))


def test_a_bomb_is_left_unread(tmp_path, files, archive):
    done = import_export(archive(files | {"Contacts.csv": b"0" * (50 << 20)}), "zoho")
    assert "Contacts.csv: unpacks to more than 500 times its size" in whys(done) and len(done.log) == 2


def test_a_member_that_is_longer_than_it_says_is_left_unread(archive, files):
    place = archive(files | {"Contacts.csv": "Record Id\n" + "zcrm_9\n" * 500})
    data = bytearray(place.read_bytes())
    with zipfile.ZipFile(place) as opened:
        told = opened.getinfo("Contacts.csv")
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.find(b"Contacts.csv") if mark == b"PK\x03\x04" else data.rfind(b"Contacts.csv")
        head = data.rfind(mark, 0, start)
        assert int.from_bytes(data[head + at : head + at + 4], "little") == told.file_size
        data[head + at : head + at + 4] = (50).to_bytes(4, "little")
    place.write_bytes(data)
    done = import_export(place, "zoho")
    assert "Contacts.csv: is damaged, or longer than it says" in whys(done) and len(done.log) == 2


def test_all_members_together_have_a_limit(archive, files, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 500)
    done = import_export(archive(files | {"Contacts.csv": "Record Id\n" + "zcrm_9\n" * 40}), "zoho")
    assert "Contacts.csv: would unpack to more than" in whys(done) and len(done.log) == 2


def test_too_many_members_are_refused(archive, files, monkeypatch):
    monkeypatch.setattr(sources, "MEMBERS", 1)
    assert "holds more than 1 files" in whys(import_export(archive(files), "zoho"))


def test_names_that_lead_elsewhere_are_labels_only(archive, files, tmp_path):
    odd = {f"../../{name}": text for name, text in files.items()} | {
        "/etc/Cases.csv": "Record Id,Subject\n1,x\n"
    }
    before = sorted(tmp_path.parent.rglob("*"))
    place = archive(odd)
    done = import_export(place, "zoho")
    assert len(done.log) == 2 and "export.zip/../../Deals.csv" in done.layouts
    assert sorted(tmp_path.parent.rglob("*")) == sorted([*before, place])


def test_a_name_cannot_forge_lines_of_the_terminal(archive, files):
    done = import_export(archive(files | {"x\n\x1b[31mall is well.csv": "a,b\n1,2\n"}), "zoho")
    assert "\x1b" not in str(done) and "x??[31mall is well.csv" in str(done)


def test_archives_within_archives_and_locked_ones_are_told(archive, files):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as out:
        out.writestr("Deals.csv", "x")
    done = import_export(archive(files | {"more.zip": inner.getvalue(), "old.xls": b"x"}), "zoho")
    assert "more.zip: is an archive within the archive" in whys(
        done
    ) and "old.xls: is an old spreadsheet" in whys(done)


def test_a_damaged_archive_is_told(tmp_path):
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04 and no more")
    assert "is no archive that can be read" in whys(import_export(tmp_path / "export.zip", "zoho"))


def test_a_spreadsheet_that_unpacks_to_a_bomb_is_left_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "RATIO", 1)
    with zipfile.ZipFile(tmp_path / "Accounts.xlsx", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("xl/worksheets/sheet1.xml", b" " * (2 << 20))
    done = import_export(tmp_path / "Accounts.xlsx", "zoho")
    assert "unpacks to far more than a table holds" in whys(done)


def test_what_the_system_made_itself_is_passed_over(archive, files):
    done = import_export(
        archive(files | {"__MACOSX/._Deals.csv": b"\0\1", ".DS_Store": b"x", "~$Deals.xlsx": b"x"}), "zoho"
    )
    assert not done.problems and len(done.layouts) == 2


@pytest.mark.parametrize(
    "data, why",
    [
        (b"Record Id,Account Name\nzcrm_1,M\xfcller\n", "line 2 read as latin-1 is 'zcrm_1,Müller'"),
        (b"Record Id,Account Name\nzcrm_1,a\0b\n", "characters of code 0"),
        (b'Record Id,Account Name\nzcrm_1,"x"y\n', r"row 2 \(line 2\) cannot be split into cells"),
        (b"\xff\xfeR\0e", "is not written in utf-16 .*truncated data.*export it again"),
        (
            b"Record Id,Account Name\n1,a,b\n2,a,b\n",
            r"most rows have more cells than there are labels \(row 2",
        ),
        (b"Account Name,Account Owner\nx,y\n", r"no column is known to be id .*\[tables.customers.columns\]"),
    ],
)
def test_broken_files_are_told_with_row_and_remedy(folder, data, why):
    done = import_export(folder({"Accounts.csv": data}), "zoho")
    assert len(done.problems) == 1 and done.problems[0].file == "Accounts.csv"
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(done.problems[0].why)


def test_latin_1_is_read_when_it_is_said(folder):
    data = b"Record Id,Account Name\nzcrm_1,M\xfcller\n"
    done = import_export(folder({"Accounts.csv": data}), "zoho", encoding="latin-1", personal=True)
    assert done.tables["customers"]["name"].tolist() == ["Müller"]


@pytest.mark.parametrize("text", ["", "\n\n", "Record Id,Account Name\n", ",,,\n,,\n"])
def test_empty_files_are_no_error(folder, text):
    done = import_export(folder({"Accounts.csv": text}), "zoho")
    assert not done.problems and done.log is None and str(done)


def test_nothing_to_read_is_one(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        import_export(tmp_path / "missing.zip", "zoho")
    with pytest.raises(InputError, match=r"holds no \.csv"):
        import_export(tmp_path, "zoho")
    with pytest.raises(InputError, match="unknown system 'sugar'; known: fxiaoke"):
        import_export(tmp_path, "sugar")
    with pytest.raises(InputError, match=r"holds no \.csv"):
        import_export(tmp_path)
    (tmp_path / "shopping.csv").write_text("bread,milk\n1,2\n")
    with pytest.raises(InputError, match="from is missing"):
        import_export(tmp_path)


def test_cells_that_a_spreadsheet_would_run_are_disarmed_in_what_is_written(folder, files, tmp_path):
    files["Accounts.csv"] = (
        files["Accounts.csv"].replace("Customer", "=HYPERLINK(1)", 1).replace("Customer", "@x")
    )
    files["Accounts.csv"] = files["Accounts.csv"].replace("Beta,,", "Beta,+49 30 1234,")
    done = import_export(folder(files), "zoho", personal=True)
    done.write(tmp_path / "out")
    text = (tmp_path / "out" / "customers.csv").read_text(encoding="utf-8")
    assert "'=HYPERLINK(1)" in text and "'@x" in text and ",+49 30 1234," in text
    assert '"type": 2' in (tmp_path / "out" / "audit.json").read_text(encoding="utf-8")


def test_a_formula_without_a_stored_value_is_told(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Accounts"
    book.active.append(["Record Id", "Account Type"])
    book.active.append(["1", "=1+1"])  # as openpyxl stores it, without a value
    book.save(tmp_path / "export.xlsx")
    done = import_export(tmp_path / "export.xlsx", "zoho")
    assert "formulas without stored values, the first in row 2, column 2" in whys(done)


@pytest.mark.parametrize("told", ["A1", "A1:XFD1048576"])
def test_a_spreadsheet_is_read_by_its_rows_not_by_what_it_says_of_them(tmp_path, told):
    book = openpyxl.Workbook()
    book.active.title = "Accounts"
    for row in (["Record Id", "Account Type"], ["1", "x"], ["2", "y"]):
        book.active.append(row)
    book.save(tmp_path / "whole.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "whole.xlsx") as whole,
        zipfile.ZipFile(tmp_path / "odd.xlsx", "w") as odd,
    ):
        for name in whole.namelist():
            data = whole.read(name)
            if name.endswith("sheet1.xml"):
                assert b'<dimension ref="A1:B3"' in data
                data = data.replace(b"A1:B3", told.encode())
            odd.writestr(name, data)
    done = import_export(tmp_path / "odd.xlsx", "zoho")
    assert done.tables["customers"]["id"].tolist() == ["1", "2"]


def test_a_cell_cannot_colour_the_terminal(folder, files):
    files["Deals.csv"] = files["Deals.csv"].replace("Negotiation", "\x1b[31mNegotiation")
    done = import_export(folder(files), "zoho")
    assert "\x1b" not in str(done) and "?[31mNegotiation" in str(done)


def with_sheet(tmp_path, change):
    """A spreadsheet whose sheet's XML is changed."""
    book = openpyxl.Workbook()
    book.active.title = "Contacts"
    for row in (["Record Id", "Lifecycle"], ["1", "x"]):
        book.active.append(row)
    book.save(tmp_path / "whole.xlsx")
    out = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole, zipfile.ZipFile(out, "w") as odd:
        for name in whole.namelist():
            data = whole.read(name)
            odd.writestr(name, change(data) if name.endswith("sheet1.xml") else data)
    return out.getvalue()


LAUGHS = b"".join(b'<!ENTITY a%d "%s">' % (k, b"&a%d;" % (k - 1) * 10) for k in range(1, 10))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"<worksheet",
        lambda data: (
            b'<!DOCTYPE w [<!ENTITY a0 "ha">%s]>' % LAUGHS + data.replace(b"<t>1</t>", b"<t>&a9;</t>")
        ),
        lambda data: data.replace(b't="inlineStr"><is><t>1</t></is>', b't="s"><v>999</v>'),
        lambda data: data.replace(b'r="A2"', b'r="2A"'),
    ],
    ids=["cut", "no XML", "billion laughs", "no such string", "no such cell"],
)
def test_spreadsheets_that_are_broken_inside_stop_no_other(archive, files, tmp_path, change):
    done = import_export(archive(files | {"Contacts.xlsx": with_sheet(tmp_path, change)}), "zoho")
    assert len(done.log) == 2
    assert "Contacts.xlsx" in whys(done) and "no spreadsheet that can be read" in whys(done)
