"""What browsers are told."""

from __future__ import annotations

from multidict import CIMultiDict

from server.security_headers import protect


def test_an_answer_of_data_may_load_nothing_and_be_shown_nowhere() -> None:
    headers = CIMultiDict({"Content-Type": "application/json"})
    protect(headers)
    assert dict(headers) == {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Server": "attritiond",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }


def test_a_page_keeps_its_own_policy() -> None:
    headers = CIMultiDict({"content-security-policy": "default-src 'self'"})
    protect(headers)
    assert headers.getall("Content-Security-Policy") == ["default-src 'self'"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_header_that_is_there_is_not_there_twice() -> None:
    headers = CIMultiDict({"Server": "library"})
    protect(headers)
    assert headers.getall("Server") == ["attritiond"]


def test_an_answer_that_may_be_kept_says_so_itself() -> None:
    headers = CIMultiDict({"Cache-Control": "no-cache"})
    protect(headers)
    assert headers.getall("Cache-Control") == ["no-cache"]
