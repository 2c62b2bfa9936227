"""The one test that every file of checks runs over its stories: minimal evidence, and the verdict that it gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

Story = Callable[[Any], None]
"""Writes evidence into the fixture `script`; its name says what happened."""

Row = tuple[str, str, str, Story]
"""A check's id, the verdict, the cause of one of the findings (empty where there need be none), the story."""


def verdicts_of(stories: Sequence[Row]) -> Callable[..., None]:
    """A test with a case for each story."""

    @pytest.mark.parametrize(
        ("check", "verdict", "cause", "story"),
        stories,
        ids=[f"{check}-{story.__name__}" for check, *_, story in stories],
    )
    def test(script: Any, check: str, verdict: str, cause: str, story: Story) -> None:
        story(script)
        judged = script.judged(check)
        causes = [finding.cause for finding in judged.findings] or [""]
        assert judged.verdict.value == verdict, judged.says
        assert cause in causes, causes

    return test
