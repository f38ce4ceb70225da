"""What people do: answer, close, stop, start. Each is allowed or not here, whatever the page showed."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from meshscope.feedback.people import Person
from meshscope.feedback.state import Incident
from meshscope.findings import Finding, MeshscopeError
from meshscope.web.console.page_incident import found
from meshscope.web.console.sessions import Notice
from meshscope.web.console.visit import Visit, our_path

NOT_ALLOWED = "console/not-allowed"
_LONGEST_REASON = 200


def whence(visit: Visit) -> str:
    """The page that a form was on."""
    return our_path(visit.form.get("back", ""))


def answer(visit: Visit) -> Response:
    """Say yes or no to what the agent asks."""
    one = _incident(visit)
    _must_decide(visit, one, "answer for {}")
    said = visit.form.get("answer", "")
    if said not in ("yes", "no"):
        raise _unclear("an answer is yes or no")
    told = visit.room.desk.answer(one.id, visit.form.get("token", ""), yes=said == "yes", by=visit.person.name)
    told = told.replace("_", " ", 1) if "_" in told.split(" ", 1)[0] else told
    return visit.back(f"/incidents/{one.id}", Notice(kind="done", text=f"You said {said}.", why=_sentence(told)))


def close(visit: Visit) -> Response:
    """Say that an incident is over."""
    one = _incident(visit)
    _must_decide(visit, one, "close this incident")
    visit.room.desk.close_incident(one.id, by=visit.person.name)
    return visit.back(f"/incidents/{one.id}", Notice(kind="done", text="You closed this incident."))


def stop(visit: Visit) -> Response:
    """Turn a stop switch on. Whoever may answer may stop: that is the safe direction."""
    scope, why = _scope(visit), visit.form.get("why", "").strip()[:_LONGEST_REASON]
    if not visit.person.may_stop:
        raise _may_not(visit, "stop the agent", lambda person: person.may_stop)
    visit.room.desk.stop(scope, by=visit.person.name, why=why or "no reason given")
    whose = "everything" if scope == "all" else scope
    text = f"Stopped: the agent does nothing to {whose} from now on."
    return visit.back(whence(visit), Notice(kind="done", text=text, why="It goes on looking, and tells of incidents."))


def start(visit: Visit) -> Response:
    """Turn a stop switch off: an admin's matter."""
    scope = _scope(visit)
    if not visit.person.may_start:
        raise _may_not(visit, "start what was stopped", lambda person: person.may_start)
    visit.room.desk.start(scope, by=visit.person.name)
    whose = "the agent" if scope == "all" else f"acts on {scope}"
    return visit.back(whence(visit), Notice(kind="done", text=f"Started: {whose} may go on."))


def clear_restored(visit: Visit) -> Response:
    """Say that a restored ledger may be acted on: an admin's matter."""
    if not visit.person.may_start:
        raise _may_not(visit, "clear a restored ledger", lambda person: person.may_start)
    visit.room.desk.clear_restored(by=visit.person.name)
    return visit.back(whence(visit), Notice(kind="done", text="The restored ledger is cleared: the agent acts again."))


def clear_unreadable(visit: Visit) -> Response:
    """Say that somebody looked at the records that can't be read: an admin's matter."""
    if not visit.person.may_start:
        raise _may_not(visit, "clear records that can't be read", lambda person: person.may_start)
    visit.room.desk.clear_unreadable(by=visit.person.name)
    text = "The records are cleared: the agent acts on their services again."
    return visit.back(whence(visit), Notice(kind="done", text=text))


def _must_decide(visit: Visit, one: Incident, what: str) -> None:
    decider = visit.room.desk.catalog.decider(one.service, security=one.security)
    if not visit.person.may_answer(decider):
        raise _may_not(visit, what.format(decider or "this service"), lambda person: person.may_answer(decider))


def _incident(visit: Visit) -> Incident:
    known = found(visit.room, visit.request.path_params["incident"])
    if known is None:
        raise _unclear("there is no such incident")
    return known[0]


def _scope(visit: Visit) -> str:
    scope = visit.form.get("scope", "").strip()
    known = {f"{key.namespace}/{key.name}" for key in visit.room.desk.catalog.services}
    if scope != "all" and scope not in known and scope not in {one.scope for one in visit.room.desk.stops()}:
        raise _unclear(f"{scope[:80] or 'nothing'} is no service of the mesh; write namespace/name")
    return scope


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _may_not(visit: Visit, what: str, may: Callable[[Person], bool]) -> MeshscopeError:
    named = ", ".join(visit.room.people.who(may)[:8]) or "nobody"
    return MeshscopeError(
        Finding(
            code=NOT_ALLOWED,
            title=f"you may not {what}",
            why=f"you are signed in as {visit.person.name}, {visit.person.role}; those who may: {named}",
            help="ask one of them, or an admin for another role",
        )
    )


def _unclear(why: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(code="console/unclear", title="that can't be done", why=why, help="load the page anew, and try again")
    )
