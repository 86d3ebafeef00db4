"""The console in a browser, against the running stack: tests/browser holds what is done and seen there."""

from concurrent.futures import Future

from tests.e2e.console.conftest import Look


def test_a_document_is_dropped_mended_and_submitted(look: Look, filled: "Future[None]") -> None:
    look("submit.test.mjs")


def test_logs_while_they_grow_of_two_nodes_and_of_50_mb(look: Look) -> None:
    look("logs.test.mjs")


def test_it_is_for_everyone(look: Look) -> None:
    look("everyone.test.mjs")


def test_10_000_jobs_and_what_a_page_costs(look: Look, filled: "Future[None]") -> None:
    filled.result(120)
    look("jobs.test.mjs")


def test_curves_of_jobs_and_the_nodes_that_run_them(look: Look) -> None:
    look("clusters.test.mjs")


def test_a_sweep_is_dropped_and_its_runs_compared(look: Look) -> None:
    look("sweep.test.mjs")
