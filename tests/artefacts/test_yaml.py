"""What the emitter writes is what every reader reads."""

import json

import yaml as reader
from hypothesis import given
from hypothesis import strategies as st

from meshscope.artefacts.yaml import dump, is_bare, one_line

# Surrogates are no text.
TEXT = st.text(st.characters(exclude_categories=("Cs",)))
LINES = st.lists(TEXT, min_size=1, max_size=4).map("\n".join)
SCALARS = st.none() | st.booleans() | st.integers() | LINES
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_whatever_is_written_is_read_back_by_a_yaml_1_1_reader(document):
    assert reader.safe_load(dump(document)) == document


@given(DOCUMENTS)
def test_a_line_of_json_is_yaml_too(document):
    line = one_line(document)
    assert "\n" not in line
    assert json.loads(line) == document


def test_words_that_some_reader_takes_for_something_else_are_quoted():
    for word in (
        "on",
        "No",
        "y",
        "1e3",
        "0x1F",
        "1:30",
        "2024-01-01",
        "~",
        "null",
        ".inf",
        "=",
        "<<",
        "",
        " a",
        "a: b",
        "#a",
        "- a",
        "%a",
        "@a",
        "`a",
        "'a",
        "a #b",
        "0o7",
        "1_000",
        "NaN",
    ):
        assert not is_bare(word), word
        assert reader.safe_load(dump({"k": word})) == {"k": word}
        assert f'"{word}"' in dump({"k": word})


def test_a_text_of_several_lines_is_a_literal_block_even_when_it_starts_with_a_space():
    assert dump({"expr": "  a\nor\n  b"}) == "expr: |2-\n    a\n  or\n    b\n"
    assert reader.safe_load(dump({"expr": "  a\nor\n  b"})) == {"expr": "  a\nor\n  b"}
