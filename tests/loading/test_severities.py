"""The words for a page and for a ticket: two, of characters that routes and messages take as they stand."""

import pytest

from meshscope import SeverityWords
from meshscope.findings import DefinitionError


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("ticket", {"page": "critical", "ticket": "critical"}),
        ("ticket", {"page": "ticket"}),
        ("ticket", {"ticket": "page"}),
        ("page", {"page": "none"}),
        ("ticket", {"ticket": "none"}),
        ("page", {"page": ""}),
        ("ticket", {"ticket": ""}),
        ("page", {"page": None}),
        ("page", {"page": "very urgent"}),
        ("page", {"page": 'a"b'}),
        ("ticket", {"ticket": "{{ .x }}"}),
        ("ticket", {"ticket": "a|b"}),
        ("ticket", {"ticket": "warning\n"}),
        ("page", {"page": "dringend-für-alle"}),
    ],
)
def test_words_that_would_wake_nobody_or_need_quotes_are_refused(argument, words):
    with pytest.raises(DefinitionError) as refused:
        SeverityWords(**words)
    finding = refused.value.finding
    assert (finding.code, finding.argument) == ("mesh/bad-severities", argument)
    assert "max_severity=Severity.TICKET" in str(finding.help)


@pytest.mark.parametrize(("page", "ticket"), [("critical", "warning"), ("P1", "P-4"), ("sev_1", "SEV_1")])
def test_two_words_are_taken_as_they_stand(page, ticket):
    words = SeverityWords(page=page, ticket=ticket)
    assert (words.page, words.ticket, words.wakes) == (page, ticket, True)
