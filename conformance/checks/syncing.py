"""Reading what is new: nothing is lost between two readings, nothing is read without need."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Call, Case, Data, Evidence, Exchange
from simulator.source import Source

_NEW, _UNLISTED, _DARK = "s20-what-is-new", "s20-not-listed", "s22-a-dark-hour"
_FLOOD_SHARE, _FLOOD_LEAST = 0.05, 10  # of what the first reading was served
_HOW = {
    "new": "of what was filed, {count} never came",
    "changed": "{count} corrected, and still held as before",
    "taken_back": "{count} taken back, and still held as valid",
}


@check(
    "PAGE-09",
    area="pagination",
    severity="high",
    level=2,
    scenarios=(_NEW,),
    source=(
        Source("https://github.com/smart-on-fhir/smart-fetch crawl_utils.py: the mark goes back to the start", "seen"),
        Source("cerner/fhir.cerner.com content/millennium/r4/clinical/diagnostics/observation.md: _lastUpdated", "doc"),
    ),
    mutants=("watermark_client_clock", "gt_instead_of_ge", "full_resync_every_time"),
    vendors=("cerner",),
    needs="sync",
)
def what_is_new_is_read_once(e: Evidence) -> Iterator[Mark]:
    """what is new is read, and little else

    Holds when after the last of four readings everything is held as it is: also what was filed at the very instant of
    the newest before, what came late with an older timestamp, what was corrected, and what was taken back; by an
    integration whose clock is two minutes ahead. The reading before which nothing happened is served at most a
    twentieth of what the first one was, or ten records.

    A record that slips between two readings is never asked for again, and nobody misses it.
    """
    for case in e.of(_NEW):
        calls = [call for call in case.runs if call.action == "sync"]
        if why := _unsynced(calls, 4):
            yield untested(why)
            continue
        first, idle = calls[0], calls[-1]
        lost = _lost(case, idle)
        for how, facts in lost.items():
            yield _gap(case, calls, how, facts)
        read, again = _served(case, first), _served(case, idle)
        most = max(_FLOOD_LEAST, int(read * _FLOOD_SHARE))
        if again > most:
            yield fail(
                "flood",
                f"nothing had happened, and {again} records were read again",
                at=[x for x in case.during(idle) if x.served][:3],
                case=case.id,
                expected=f"at most {most}, of {read} in the first reading",
                got=str(again),
                fix="ask for what has changed since the newest that you have, less some minutes",
            )
        says = f"{many(len(calls), 'reading')}: {read} records served, then what was new, then {again}"
        yield exercised(says, [x for x in case.during(idle) if x.is_data][:2])


def _unsynced(calls: list[Call], wanted: int) -> str:
    """Why there is nothing to be said of the readings; empty when there is."""
    if len(calls) < wanted:
        return f"`sync` is declared, and there were not {wanted} readings"
    for call in calls:
        if call.status == "unsupported" or call.problem:
            return f"`sync` is declared, and answered with {call.problem or call.status}"
        if not call.answer.get("cursor"):
            return "a `sync` was answered without a cursor: there is nothing to go on from"
    return ""


def _lost(case: Case, call: Call) -> dict[str, list[Data]]:
    """What is not held, or not as it is, after a reading: by how it was lost."""
    found: dict[str, list[Data]] = {}
    for fact in case.scores():
        if case.calls[fact["call"]] is not call:
            continue
        verdicts = {one["verdict"] for one in fact["mismatches"] if one["severity"] in ("critical", "major")}
        if not fact["found"]:
            found.setdefault("new", []).append(fact)
        elif "stale" in verdicts:
            found.setdefault("taken_back", []).append(fact)
        elif verdicts:
            found.setdefault("changed", []).append(fact)
    for extra in case.score.get("extras") or ():
        if case.calls[extra["call"]] is call and extra["verdict"] == "stale":
            found.setdefault("taken_back", []).append(extra)
    return found


def _gap(case: Case, calls: list[Call], how: str, facts: list[Data]) -> Mark:
    asked = [_asked(case, call, facts[0]) for call in calls[1:]]
    told = facts[0]["source"]
    since = next((value for x in asked[-1:] if x is not None for name, value in x.params if name == "_lastUpdated"), "")
    is_held = "is not held" if how == "new" else "is held as it was"
    return fail(
        how,
        _HOW[how].format(count=many(len(facts), "record")),
        at=[x for x in asked if x is not None],
        case=case.id,
        expected="what the vendor holds after the last reading",
        got=f"{told['type']}/{told['id']} {is_held}" + (f"; asked last for _lastUpdated={since}" if since else ""),
        fix="take the mark from the vendor's own timestamps, go back some minutes, and keep what comes twice once",
    )


def _asked(case: Case, call: Call, fact: Data) -> Exchange | None:
    """The first request of a reading that would have told the fact."""
    wanted = f"/{fact['source']['type']}"
    return next((x for x in case.during(call) if x.is_data and wanted in x.path), None)


def _served(case: Case, call: Call) -> int:
    """How many records a reading was served."""
    return len({pair for x in case.during(call) for pair in x.served})


@check(
    "PAGE-11",
    area="pagination",
    severity="critical",
    level=2,
    scenarios=(_UNLISTED,),
    source=(
        Source("cerner/fhir.cerner.com, General Security Filtering: fewer entries, with a 200", "doc"),
        Source("athenahealth leaves restricted patients out of lists and feeds", "doc"),
    ),
    mutants=("delete_missing",),
    needs="sync",
)
def absence_is_not_deletion(e: Evidence) -> Iterator[Mark]:
    """what is not listed any more is not deleted

    Holds when everything that the first reading gave is still held after the second one, in which some rows were not
    listed, and one list was refused: nothing of it was deleted, and nobody said so.

    A filter of the vendor that changes overnight must not empty a chart.
    """
    for case in e.of(_UNLISTED):
        calls = [call for call in case.runs if call.action == "sync"]
        if why := _unsynced(calls, 2):
            yield untested(why)
            continue
        first, last = calls[0], calls[-1]
        told = {pair for x in case.during(first) for pair in x.served}
        gone = [fact for fact in case.missing(last) if any(tuple(one) in told for one in fact["sources"])]
        short = [x for x in case.during(last) if x.is_data and (x.status == 403 or "skipped" in _fault_of(x))]
        if gone:
            kinds = ", ".join(sorted({str(fact["kind"]) for fact in gone}))
            source = gone[0]["source"]
            yield fail(
                "deleted",
                f"{many(len(gone), 'record')} that one answer did not list are deleted ({kinds})",
                at=[*case.serving(source)[:1], *(short or [x for x in case.during(last) if x.is_data])[:2]],
                case=case.id,
                expected="everything that was held is held",
                got=f"{source.get('type')}/{source.get('id')} is not held any more, status {last.status}",
                fix="delete what the vendor says is gone: entered in error, 404 or 410 by its id, or a tombstone",
            )
        elif not told:
            yield untested("the first reading was served nothing")
        else:
            yield exercised(f"{many(len(told), 'record')} held, {many(len(short), 'answer')} listed less", short[:2])


@check(
    "RES-10",
    area="resilience",
    severity="high",
    level=2,
    scenarios=(_DARK,),
    source=(
        Source("https://github.com/drajer-health/eCRNow/issues/821", "seen"),
        Source("https://jepsen.io: a final read after the fault is healed", "doc"),
    ),
    mutants=("give_up_until_restart", "skip_failed_page"),
    needs="sync",
)
def an_outage_leaves_no_gap(e: Evidence) -> Iterator[Mark]:
    """after an outage work goes on without a gap

    Holds when the first reading after an hour of outage succeeds without anybody's help, and everything is held in the
    end: what was there before, and what was filed while the vendor was dark.

    The outage is over by itself; the gap that it left is found by an auditor.
    """
    for case in e.of(_DARK):
        calls = [call for call in case.runs if call.action == "sync"]
        if why := _unsynced(calls[:1] + calls[2:], 2):  # the one in the dark may have nothing to tell
            yield untested(why)
            continue
        dark, last = calls[1], calls[-1]
        refused = [x for x in case.during(dark) if x.is_data and x.status >= 500]
        seen = [x for x in case.during(last) if x.is_data]
        missing = case.missing(last)
        if not refused:
            yield untested("nothing was asked for while the vendor was dark")
            continue
        if missing and not any(x.status < 300 for x in seen):
            yield fail(
                "gave_up", "after the outage nothing is asked for any more", at=[refused[-1], *seen[:1]],
                case=case.id, expected="the next reading asks again", got=f"status {last.status}, {len(seen)} requests",
                fix="let every reading try anew, whatever became of the one before",
            )  # fmt: skip
        elif missing:
            source = missing[0]["source"]
            yield fail(
                "gap", f"{many(len(missing), 'record')} of the dark hour never came", at=[refused[-1], *seen[:2]],
                case=case.id, expected="everything that the vendor holds now",
                got=f"{source.get('type')}/{source.get('id')} is not held",
                fix="move the mark of a kind only when the kind was read whole",
            )  # fmt: skip
        else:
            says = f"{many(len(refused), 'refusal')} in the dark, {many(len(seen), 'request')} later everything is held"
            yield exercised(says, [refused[0], *seen[:1]])


def _fault_of(x: Exchange) -> Data:
    return x.data.get("fault") or {}
