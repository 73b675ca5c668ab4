from pathlib import Path

import pytest
from rnnbench.tasks.series_classification.ts_files import parse_ts, read_ts

from rnnbench import UserError

GOOD = """# two speakers
@problemName Voices
@timeStamps false
@classLabel true ann bob
@data
1,2,3:4,5,6:ann
7,8.5:-1e1,0:bob
"""


def test_channels_stand_beside_one_another_and_cases_may_differ_in_length(workplace: Path):
    path = workplace / "v.ts"
    path.write_text(GOOD)
    cases = read_ts(path)
    assert [x.tolist() for x in cases.values] == [[[1, 4], [2, 5], [3, 6]], [[7, -10], [8.5, 0]]]
    assert (cases.labels, cases.classes) == (["ann", "bob"], ["ann", "bob"])


def test_classes_that_the_header_does_not_name_are_those_that_occur():
    assert parse_ts(["@data", "1,2:b", "3,4:a"], "f").classes == ["a", "b"]


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("8.5", "?", "'f', line 7: expected a finite number, found a missing value"),
        ("8.5", "NaN", "line 7: expected a finite number, found a missing value"),
        ("8.5", "x", "line 7: expected a finite number, found 'x'"),
        ("7,8.5:", "7,8.5,9:", "line 7: the channels of a case must be equally long, found 3, 2 values"),
        ("7,8.5:", "", "line 7: expected 2 channels as in the first case, found 1"),
        (":bob", ":bop", "line 7: class 'bop' does not exist; did you mean 'bob'"),
        ("7,8.5:-1e1,0:bob", "7", "line 7: expected values and a class"),
        ("@timeStamps false", "@timeStamps true", "line 3: steps with time stamps are not read"),
        ("@classLabel true ann bob", "@classLabel false", "line 4: cases without classes"),
        ("@data\n", "", "line 5: expected a line that begins with @, or @data"),
        ("1,2,3:4,5,6:ann\n7,8.5:-1e1,0:bob\n", "", "'f' holds no case"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(old: str, new: str, message: str):
    assert old in GOOD
    with pytest.raises(UserError, match=message):
        parse_ts(GOOD.replace(old, new).split("\n"), "f")
