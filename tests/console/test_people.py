"""Who may sign in: what the file says, and what becomes of a file that is wrong."""

import os
import time
from pathlib import Path

import pytest

from meshscope.feedback.desk import Role
from meshscope.feedback.people import People, Person, hashed, matches
from meshscope.findings import MeshscopeError

WORD = "a long enough password"


def row(name: str = "ada", role: str = "approver", owners: str = '["payments"]', password: str = "") -> str:
    known = password or HASH
    return f'[[people]]\nname = "{name}"\nrole = "{role}"\nowners = {owners}\npassword = "{known}"\n'


HASH = hashed(WORD)


def people(folder: Path, text: str) -> People:
    path = folder / "people.toml"
    path.write_text(text)
    return People(path)


def changed(path: Path, text: str) -> None:
    """Write the file, and let it be old enough to be looked at again."""
    path.write_text(text)
    later = time.time() + 5
    os.utime(path, (later, later))
    time.sleep(1.05)


def test_a_password_is_theirs_alone(tmp_path: Path) -> None:
    known = people(tmp_path, row())
    found = known.sign_in("ada", WORD)
    assert found is not None
    assert (found.name, found.role, found.owners) == ("ada", Role.APPROVER, ("payments",))
    assert known.sign_in("ada", WORD + " ") is None
    assert known.sign_in("nobody", WORD) is None
    assert known.sign_in("ada", "") is None
    assert known.sign_in("ada", "\ud800" * 2000) is None


def test_two_hashes_of_one_password_are_not_alike() -> None:
    assert hashed(WORD) != hashed(WORD)
    assert matches(WORD, hashed(WORD))


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_a_password_that_is_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(MeshscopeError):
        hashed(password)


@pytest.mark.parametrize(
    ("role", "owners", "theirs", "others"),
    [(Role.VIEWER, ("*",), False, False), (Role.APPROVER, ("payments",), True, False),
     (Role.APPROVER, (), False, False), (Role.APPROVER, ("*",), True, True), (Role.ADMIN, (), True, True)],
)  # fmt: skip
def test_an_approver_answers_for_their_teams_and_an_admin_for_all(
    role: Role, owners: tuple[str, ...], theirs: bool, others: bool
) -> None:
    person = Person(name="ada", role=role, owners=owners)
    assert (person.may_answer("payments"), person.may_answer("discovery")) == (theirs, others)
    assert person.may_stop is (role is not Role.VIEWER)
    assert person.may_start is (role is Role.ADMIN)


@pytest.mark.parametrize(
    "text",
    [
        "this is no toml",
        '[[people]]\nname = "ada"\n',
        row(role="god"),
        row(name="Ada Lovelace"),
        row(name="<script>"),
        row(owners='"payments"'),
        row(owners="[1]"),
        row(password="in the clear"),
        row(password="scrypt$2$8$1$AAAAAAAAAAAAAAAA$AAAA"),
        row(password="scrypt$30$8$1$" + HASH.split("$", 4)[4]),
        row(password="md5$15$8$1$" + HASH.split("$", 4)[4]),
        row() + row(),
        row() + "surname = 1\n",
        'people = "ada"\n',
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_and_said_why(tmp_path: Path, text: str) -> None:
    with pytest.raises(MeshscopeError) as caught:
        people(tmp_path, text)
    assert caught.value.finding.code == "agent/bad-people"
    assert caught.value.finding.why


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeshscopeError):
        People(tmp_path / "none.toml")


def test_who_is_taken_out_of_the_file_is_known_no_more(tmp_path: Path) -> None:
    known = people(tmp_path, row() + row(name="ben"))
    changed(tmp_path / "people.toml", row(name="ben"))
    assert known.person("ada") is None
    assert known.person("ben") is not None


def test_a_slip_of_the_pen_locks_nobody_out(tmp_path: Path) -> None:
    known = people(tmp_path, row())
    changed(tmp_path / "people.toml", row() + "[[people")
    assert known.sign_in("ada", WORD) is not None
    assert known.error is not None
    changed(tmp_path / "people.toml", row(role="viewer"))
    person = known.person("ada")
    assert person is not None
    assert person.role is Role.VIEWER
    assert known.error is None


def test_a_stamp_changes_with_whatever_a_person_may_do(tmp_path: Path) -> None:
    stamps = set()
    for number, text in enumerate((row(), row(role="viewer"), row(owners="[]"), row(password=hashed(WORD)))):
        folder = tmp_path / str(number)
        folder.mkdir()
        person = people(folder, text).person("ada")
        assert person is not None
        stamps.add(person.stamp)
    assert len(stamps) == 4
