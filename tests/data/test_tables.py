import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.data.tables import read_table
from rnnbench.errors import UserError


def written(content: str | bytes) -> Path:
    path = Path("own.csv")
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_columns_and_the_lines_of_rows():
    table = read_table(written('text, price\n\n"two\nlines, ""quoted""",1.5\r\nplain,-2e3\n'), ["text"])
    assert table.columns == {"text": ['two\nlines, "quoted"', "plain"], "price": ["1.5", "-2e3"]}
    assert table.lines == [3, 5]
    assert len(table) == 2
    np.testing.assert_array_equal(table.numbers("price"), [1.5, -2000.0])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_the_first_lines(separator: str):
    table = read_table(written(f'a{separator}b\n1{separator}"x,;\ty"\n'))
    assert table.columns == {"a": ["1"], "b": ["x,;\ty"]}


def test_a_table_without_names_is_given_them():
    assert read_table(written("1,2\n3,4\n"), names=["a", "b"]).columns == {"a": ["1", "3"], "b": ["2", "4"]}


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n",;\t'), min_size=1, max_size=8)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_what_a_writer_writes_is_read_back(rows: list[list[str]], separator: str):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows([["a", "b", "c"], *rows])
    table = read_table(written(text.getvalue()))
    assert [list(row) for row in zip(*table.columns.values(), strict=True)] == rows
    lines = text.getvalue().split("\n")
    for line, row in zip(table.lines, rows, strict=True):
        assert lines[line - 1].lstrip('"').startswith(row[0].split("\n")[0].split('"')[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "text file 'own.csv' is empty"),
        (b"text,label\nna\xefve,0\n", "'own.csv' is no UTF-8 text: line 2 holds the byte 0xef"),
        ("text,label\n", "'own.csv' holds the names of its columns and no rows"),
        ("text,lable\na,b\n", "'own.csv': column 'label' does not exist; did you mean 'lable'?; the first line names"),
        ("text,label,text\na,b,c\n", "'own.csv': column 'text' stands there 2 times"),
        ("text,label\na,b\nc,d,e\n", "'own.csv', line 3: expected 2 cells as in text, label, found 3; a cell that hol"),
        ("text\tlabel\na\n", "'own.csv', line 2: expected 2 cells as in text, label, found 1; a cell that holds a tab"),
        ('text,label\n"a,b\nc,d\n', "'own.csv', line 2: unexpected end of data; a cell in double quotes ends with"),
        ('text,label\na,b\n"a"b,c\n', "'own.csv', line 3: ',' expected after '\"'; a cell in double quotes ends"),
    ],
)
def test_what_is_no_table_is_said(content: str | bytes, message: str):
    with pytest.raises(UserError) as error:
        read_table(written(content), ["text", "label"])
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_said():
    with pytest.raises(UserError, match="'no.csv' can not be read: No such file"):
        read_table(Path("no.csv"))


@pytest.mark.parametrize("cell", ["much", "", "nan", "inf", "1_000", "1 000", "0x10"])
def test_cells_that_are_no_finite_number_are_said(cell: str):
    found = f"'{cell}'" if cell else "an empty cell"
    with pytest.raises(UserError) as error:
        read_table(written(f"day,price\n1,2\n\n2,{cell}\n3,much\n")).numbers("price")
    expected = f"'own.csv', line 4, column 'price': expected a finite number such as 3.14, found {found}"
    assert str(error.value) == expected


def test_an_absent_column_is_said():
    with pytest.raises(UserError, match="'own.csv': column 'pric' does not exist; did you mean 'price'?"):
        read_table(written("day,price\n1,2\n")).numbers("pric")
